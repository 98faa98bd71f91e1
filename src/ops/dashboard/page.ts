import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The dashboard as one document that needs nothing else. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Beside the source and beside the built package alike. */
const FOLDER = new URL('../../../dashboard/', import.meta.url);

/** In this order: what is for all first, what is for some screens last. */
const STYLES = ['base.css', 'head.css', 'keys.css', 'reports.css', 'screens.css'];

/** In this order: each uses those before it. */
const SCRIPTS = ['format.js', 'draw.js', 'page.js'];

/** Puts style and scripts into the page; the policy allows these very texts, and nothing else but the page's own events. */
export function readPage(): Page {
  const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');
  const style = STYLES.map((name) => read(`styles/${name}`)).join('\n');
  const script = SCRIPTS.map((name) => inlined(read(name))).join('\n');
  const html = read('page.html')
    .replace('/* style */', () => style)
    .replace('/* script */', () => script);
  const policy = [
    "default-src 'none'",
    `style-src '${digest(style)}'`,
    `script-src '${digest(script)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return { html, headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy } };
}

/** A module as part of one that has all of them. */
function inlined(module: string): string {
  return module.replaceAll(/^import [\s\S]*?;\n/gm, '').replaceAll(/^export /gm, '');
}

function digest(text: string): string {
  return `sha256-${hash('sha256', text, 'base64')}`;
}
