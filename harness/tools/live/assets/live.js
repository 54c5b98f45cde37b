// Keeps the page up to date: the server sends the parts that changed, and each
// is merged into what is there, so that focus, scrolling and selection stay.
'use strict';
(() => {
  const connection = document.getElementById('connection');
  let heard = 0, said = '';

  function say(state, text) {
    if (said === state) return; // a status region speaks only when it changes
    said = state;
    connection.className = state;
    connection.textContent = text;
  }

  function merge(from, to) {
    for (const a of [...from.attributes]) if (!to.hasAttribute(a.name)) from.removeAttribute(a.name);
    for (const a of to.attributes) if (from.getAttribute(a.name) !== a.value) from.setAttribute(a.name, a.value);
    mergeChildren(from, to);
  }

  function mergeChildren(from, to) {
    let old = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      if (old && old.nodeType === wanted.nodeType && old.nodeName === wanted.nodeName) {
        const next = old.nextSibling;
        if (old.nodeType === Node.ELEMENT_NODE) merge(old, wanted);
        else if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
        old = next;
      } else {
        from.insertBefore(document.importNode(wanted, true), old);
      }
    }
    while (old) {
      const next = old.nextSibling;
      old.remove();
      old = next;
    }
  }

  function update(part) {
    const fresh = document.createElement('template');
    fresh.innerHTML = part.html;
    if (part.id === 'title') {
      document.title = fresh.content.textContent;
      return;
    }
    const place = document.getElementById(part.id);
    if (place) mergeChildren(place, fresh.content);
    document.dispatchEvent(new CustomEvent('updated', {detail: part.id}));
  }

  let events;
  const hear = () => { heard = Date.now(); say('live', 'live'); };
  // connect asks for what the address says: which cells, and sorted by what.
  function connect() {
    if (events) events.close();
    events = new EventSource('/events' + location.search);
    events.addEventListener('version', e => {
      hear();
      if (e.data !== document.documentElement.dataset.version) location.reload();
    });
    events.addEventListener('part', e => { hear(); update(JSON.parse(e.data)); });
    events.addEventListener('quiet', hear);
    events.addEventListener('error', () => {
      say('lost', 'connection lost, trying again');
      if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
    });
  }
  connect();
  setInterval(() => {
    if (heard && Date.now() - heard > 90000) say('lost', 'nothing heard for a while');
  }, 5000);

  // Links and forms that ask about cells do so without loading the page again.
  // What was chosen stays chosen.
  function ask(address) {
    const url = new URL(address, location.href);
    for (const pick of new URLSearchParams(location.search).getAll('pick')) url.searchParams.append('pick', pick);
    history.pushState(null, '', url.pathname + url.search);
    connect();
  }
  document.addEventListener('click', e => {
    const link = e.target.closest('a[data-ask]');
    if (!link || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    ask(link.href);
  });
  document.addEventListener('submit', e => {
    if (!e.target.matches('form[data-ask]')) return;
    e.preventDefault();
    const filled = [...new FormData(e.target)].filter(([, value]) => value !== '');
    ask('/?' + new URLSearchParams(filled));
  });
  addEventListener('popstate', () => {
    const filter = document.getElementById('filter');
    if (filter) filter.value = new URLSearchParams(location.search).get('filter') || '';
    connect();
  });
})();
