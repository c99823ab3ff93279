// Where the page is, who is signed in, and in which language it speaks.

import type { Me } from './api';
import { words, type Language } from './words';

class Here {
  path = $state(location.pathname);
  me = $state<Me | null>(null);
  language = $state<Language>((localStorage.getItem('language') as Language | null) ?? (navigator.language.startsWith('ko') ? 'ko' : 'en'));

  get words() {
    return words(this.language);
  }

  constructor() {
    addEventListener('popstate', () => (this.path = location.pathname));
  }

  go(path: string): void {
    history.pushState(null, '', path);
    this.path = path;
    scrollTo(0, 0);
  }

  speak(language: Language): void {
    this.language = language;
    localStorage.setItem('language', language);
  }
}

export const here = new Here();

/** Lets links change the page without loading it anew. */
export function link(node: HTMLAnchorElement) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    here.go(node.pathname);
  };
  node.addEventListener('click', follow);
  return { destroy: () => node.removeEventListener('click', follow) };
}
