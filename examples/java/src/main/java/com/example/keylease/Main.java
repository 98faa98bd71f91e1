package com.example.keylease;

import com.google.protobuf.Timestamp;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import keylease.v1.KeyLeaseServiceGrpc;
import keylease.v1.KeyLeaseServiceGrpc.KeyLeaseServiceBlockingStub;
import keylease.v1.KeyLeaseServiceOuterClass.AcquireKeyRequest;
import keylease.v1.KeyLeaseServiceOuterClass.ReportHeadersRequest;
import keylease.v1.LeaseOuterClass.Credential;

/** Leases a key, calls the provider with it, and tells keylease what the provider answered. */
public final class Main {
  private static final String MODEL = "claude-sonnet-5";
  /** The first call also connects, and warms up the JVM. */
  private static final long DEADLINE_SECONDS = 10;

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 2) {
      System.err.println("usage: HOST:PORT PROVIDER_URL");
      System.exit(1);
    }
    ManagedChannel channel = Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
    try {
      leaseAndCall(KeyLeaseServiceGrpc.newBlockingStub(channel), URI.create(arguments[1]));
    } finally {
      channel.shutdown().awaitTermination(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static void leaseAndCall(KeyLeaseServiceBlockingStub keylease, URI url) throws InterruptedException {
    var granted = withinDeadline(keylease).acquireKey(
        AcquireKeyRequest.newBuilder().setModel(MODEL).setEstimatedInputTokens(10).setEstimatedOutputTokens(64).build());
    var lease = granted.getLease();
    System.out.printf("leased key %s of pool %s%n", lease.getKeyId(), lease.getPool());

    // Settled whatever happens: a call without a response is reported as status 0.
    var report = ReportHeadersRequest.newBuilder().setLeaseId(lease.getLeaseId()).setRequestTime(now());
    try {
      HttpResponse<String> response = call(url, granted.getCredential());
      report.setResponseTime(now()).setStatusCode(response.statusCode());
      response.headers().map().forEach((name, values) -> report.putHeaders(name, String.join(", ", values)));
      if (response.statusCode() >= 400) {
        report.setErrorBody(response.body());
      }
      System.out.printf("the provider answered %d%n", response.statusCode());
    } catch (IOException error) {
      System.out.printf("the provider did not answer: %s%n", error);
    }
    var told = withinDeadline(keylease).reportHeaders(report.build());
    System.out.printf("the lease is %s, the verdict %s%n",
        told.getLease().getState().name().replace("LEASE_STATE_", ""), told.getVerdict().name().replace("VERDICT_", ""));
  }

  /** One request with the leased credential, which goes nowhere else: redirects are not followed. */
  private static HttpResponse<String> call(URI url, Credential credential) throws IOException, InterruptedException {
    var body = """
        {"model": "%s", "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}""".formatted(MODEL);
    var request = HttpRequest.newBuilder(url).timeout(Duration.ofMinutes(1)).header("content-type", "application/json")
        .header(credential.getHeaderName(), credential.getHeaderValue()).POST(HttpRequest.BodyPublishers.ofString(body));
    credential.getHeadersMap().forEach(request::header);
    return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static KeyLeaseServiceBlockingStub withinDeadline(KeyLeaseServiceBlockingStub keylease) {
    return keylease.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private static Timestamp now() {
    Instant now = Instant.now();
    return Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
  }
}
