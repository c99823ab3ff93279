// Keeps the page itself, never an answer of the API: what is known of people stays on the server and in the page's own store.
const SHELL = 'shell@1';

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELL).then((it) => it.addAll(['/'])).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  if (/^\/(v1|v2|docs|openapi\.json|livez|readyz|metrics)/.test(url.pathname)) return;
  const shown = event.request.mode === 'navigate' ? '/' : event.request;
  event.respondWith(answer(shown));
});

// Newest first; what was kept where there is no network. Files whose name holds their digest never change.
async function answer(request) {
  const kept = await caches.open(SHELL);
  const asset = typeof request !== 'string' && new URL(request.url).pathname.startsWith('/assets/');
  const found = await kept.match(request);
  if (asset && found) return found;
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await kept.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    if (found) return found;
    throw error;
  }
}
