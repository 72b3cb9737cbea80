/**
 * The pages that must work when nothing else does: no session yet, a spent link, no daemon.
 * One small HTML document each, without script or font, in the browser's language.
 */
import type { ServerResponse } from 'node:http';
import type { Language } from './language.js';

type PageText = { readonly title: string; readonly body: readonly string[] };

/** What may have to be said before the lab can be shown. */
export type PlainPageName = keyof typeof TEXTS;

const TEXTS = {
  'no-session': {
    status: 401,
    en: {
      title: 'This browser has no key to the lab yet',
      body: [
        'Terrarium printed a link when it started. It ends in <code>?token=…</code>. Open that link in this browser once; after that, this address is enough.',
        'Look for the line <code>terrarium ready:</code> in the terminal where <code>npm start</code> runs.',
      ],
    },
    zh: {
      title: '这个浏览器还没有实验室的钥匙',
      body: [
        'Terrarium 启动时打印了一个链接，末尾是 <code>?token=…</code>。请在这个浏览器里打开它一次；以后直接访问这个地址就可以了。',
        '请在运行 <code>npm start</code> 的终端里找到 <code>terrarium ready:</code> 这一行。',
      ],
    },
  },
  'bad-token': {
    status: 403,
    en: {
      title: 'This link no longer opens the lab',
      body: [
        'Its token is not the one that the running lab gave out. Perhaps the lab was set up anew, or the link was cut short when it was copied.',
        'The right link is on the line <code>terrarium ready:</code> in the terminal where <code>npm start</code> runs.',
      ],
    },
    zh: {
      title: '这个链接已经打不开实验室了',
      body: [
        '链接里的令牌（token）和正在运行的实验室发出的不一致：可能实验室重新初始化过，也可能复制链接时漏掉了一段。',
        '正确的链接在运行 <code>npm start</code> 的终端里，<code>terrarium ready:</code> 那一行。',
      ],
    },
  },
  'daemon-down': {
    status: 503,
    en: {
      title: 'The lab is not running behind this page',
      body: [
        'The page is here, but the part that makes the sandboxes does not answer. If it is just starting, this page goes on by itself in a few seconds.',
        'If not: start it with <code>npm start</code>, or ask <code>npx terrarium doctor</code> what is missing.',
      ],
    },
    zh: {
      title: '页面在，但实验室没有运行',
      body: [
        '负责创建沙箱（sandbox）的守护进程没有应答。如果它正在启动，几秒钟后本页会自动继续。',
        '否则请用 <code>npm start</code> 启动它，或运行 <code>npx terrarium doctor</code> 看看缺什么。',
      ],
    },
  },
  'wrong-host': {
    status: 421,
    en: {
      title: 'The lab does not answer to this name',
      body: [
        'To keep other web sites out, it answers only at the address it was started with. Open the link from the line <code>terrarium ready:</code>.',
        'To serve under another address, set <code>TERRARIUM_HOST</code> and start it again.',
      ],
    },
    zh: {
      title: '实验室不认这个主机名',
      body: [
        '为了把其他网站挡在外面，它只在启动时指定的地址上应答。请打开 <code>terrarium ready:</code> 那一行的链接。',
        '想换地址，请设置 <code>TERRARIUM_HOST</code> 后重新启动。',
      ],
    },
  },
  'page-failed': {
    status: 500,
    en: {
      title: 'This page could not be drawn',
      body: [
        'Something failed while it was made; the reason stands in the lab’s log. Your sandbox and your shells are not affected.',
      ],
    },
    zh: {
      title: '页面没能生成',
      body: ['生成页面时出错了，原因写在实验室的日志里。你的沙箱和 shell 不受影响。'],
    },
  },
} as const satisfies Record<string, { status: number; en: PageText; zh: PageText }>;

/** Seconds after which the page tries again by itself. */
const RETRY_SECONDS = 3;

/** Sends one of the plain pages. */
export function sendPlainPage(
  response: ServerResponse,
  name: PlainPageName,
  language: Language,
): void {
  const { status, [language]: text } = TEXTS[name];
  const retry = name === 'daemon-down';
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  if (retry) response.setHeader('Retry-After', String(RETRY_SECONDS));
  response.end(
    render(text, language, retry ? `<meta http-equiv="refresh" content="${RETRY_SECONDS}">` : ''),
  );
}

/**
 * Sends a page that asks for the same address again. A SameSite=Strict cookie does not travel on
 * a navigation that another site began (a link in a chat, with the redirect that follows it); it
 * does on the next one, which this page begins.
 */
export function sendBounce(response: ServerResponse): void {
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.end(
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>Terrarium</title>',
  );
}

function render(text: PageText, language: Language, head: string): string {
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-Hans' : 'en'}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><link rel="icon" href="/icon.svg">
${head}<title>${text.title} · Terrarium</title>
<style>${STYLE}</style>
</head>
<body><main>${JAR}<h1>${text.title}</h1>${text.body.map((line) => `<p>${line}</p>`).join('')}</main></body>
</html>
`;
}

const STYLE = `
:root{--ground:#f7f3ea;--ink:#24302a;--soft:#5d6a62;--line:#d8d0bf;--leaf:#3f7d4e}
@media (prefers-color-scheme:dark){:root{--ground:#0f1713;--ink:#e6e9e0;--soft:#9dab9f;--line:#2b3a31;--leaf:#7fc08c}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);
font:1.0625rem/1.65 "Source Sans 3","Segoe UI","PingFang SC","Noto Sans SC","Microsoft YaHei",system-ui,sans-serif}
main{max-width:34rem;padding:2rem}
svg{width:4.5rem;height:auto;color:var(--soft);margin-bottom:1.25rem}
h1{font-size:1.6rem;line-height:1.25;font-weight:600;letter-spacing:-.01em;margin:0 0 1rem;text-wrap:balance}
p{margin:0 0 .9rem;color:var(--soft)}
code{font:.9em ui-monospace,"JetBrains Mono",Menlo,Consolas,monospace;color:var(--ink);border-bottom:1px solid var(--line)}
`;

/** The empty jar: the vessel without its strata. */
const JAR = `<svg viewBox="0 0 48 60" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M15 5h18M16 5v6c0 3-9 5-9 14v24c0 4 2 7 6 7h22c4 0 6-3 6-7V25c0-9-9-11-9-14V5"/><path d="M12 47c7-2 17 2 24 0" stroke-dasharray="1 4"/><path d="M13 28v9" opacity=".6"/></svg>`;
