// Prompts spoken by a voice of this machine. A voice that would ask a server is not used: nothing leaves the machine.

import type { Language } from '../words';

function voice(language: Language): SpeechSynthesisVoice | undefined {
  return globalThis.speechSynthesis?.getVoices().find((it) => it.localService && it.lang.startsWith(language));
}

export const canSpeak = (language: Language) => voice(language) !== undefined;

export function speak(text: string, language: Language): void {
  const found = voice(language);
  if (!found) return;
  const said = new SpeechSynthesisUtterance(text);
  said.voice = found;
  said.lang = found.lang;
  said.rate = 0.9;
  speechSynthesis.cancel();
  speechSynthesis.speak(said);
}

export const hush = () => globalThis.speechSynthesis?.cancel();
