/** Loaded before anything else, it makes the process call its store from an address of its own, by which others tell it apart. */
import net from 'node:net';

const dial = net.createConnection as (options: net.NetConnectOpts) => net.Socket;
net.createConnection = ((options: net.NetConnectOpts) =>
  dial({ ...options, localAddress: process.env.CALLING_FROM } as net.NetConnectOpts)) as typeof net.createConnection;
