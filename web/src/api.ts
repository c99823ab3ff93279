// The server's API, as /docs describes it. The access token lives in memory; the refresh token is a cookie that scripts cannot read.

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {}

export interface Me {
  id: string;
  login: string | null;
  role: 'administrator' | 'clinician' | 'assessor' | 'researcher' | 'device';
  organisation: string;
}
export interface Profile {
  name?: string;
  reference?: string;
  birth_year?: number;
  sex?: 'female' | 'male' | 'other';
  education?: number;
  handedness?: 'left' | 'right' | 'both';
  note?: string;
}
export interface Participant {
  id: string;
  code: string;
  profile: Profile | null;
  version: number;
  created: string;
  erased: string | null;
}
export interface Session {
  id: string;
  participant: string;
  facts: { language?: string; age?: number; date?: string } | null;
  created: string;
}
export interface Assessment {
  id: string;
  session: string;
  participant: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'erased';
  outcome: string | null;
  version: number;
  created: string;
  signature: { by: string; at: string; note: string } | null;
}
export interface Account {
  id: string;
  login: string;
  role: string;
  disabled: boolean;
}

/** What is read of report.json; a missing value has a reason instead of a number. */
export interface Report {
  session: { date: string | null };
  conclusion: {
    kind: string;
    headline: string;
    reasons: string[];
    score: { band: string; likelihood_ratio: { value: number; low: number; high: number }; screener: string } | null;
  };
  performed: { task: string; measured?: { values?: { name: string; unit: string; value?: number | null }[] } }[];
}

let access = '';

async function sent(method: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { method, credentials: 'same-origin', ...init });
  } catch {
    throw new Unreachable(path);
  }
}

async function refused(response: Response): Promise<never> {
  const problem = (await response.json().catch(() => null)) as { code?: string; detail?: string; title?: string } | null;
  throw new Problem(response.status, problem?.code ?? '', problem?.detail ?? problem?.title ?? response.statusText);
}

/** A request with the token; an expired one is renewed once. */
async function asked(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const attempt = () => sent(method, path, { ...init, headers: { authorization: `Bearer ${access}`, ...init.headers } });
  let response = await attempt();
  if (response.status === 401 && (await renewed())) response = await attempt();
  return response.ok ? response : refused(response);
}

async function json<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = { headers };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json', ...headers };
  }
  return (await asked(method, path, init)).json() as Promise<T>;
}

/** Names a creating request, so that one that is sent again makes nothing twice. */
const named = (key: string) => ({ 'idempotency-key': key });

/** Stays signed in. Tabs take turns: a refresh token is good once. */
export async function renewed(): Promise<boolean> {
  const renew = async () => {
    const init = { headers: { 'content-type': 'application/json' }, body: '{}' };
    const response = await sent('POST', '/v1/auth/refresh', init);
    if (!response.ok) return false;
    access = ((await response.json()) as { access_token: string }).access_token;
    return true;
  };
  return navigator.locks.request('inkling-refresh', renew);
}

export async function signIn(login: string, password: string): Promise<void> {
  const init = { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ login, password, cookie: true }) };
  const response = await sent('POST', '/v1/auth/login', init);
  if (!response.ok) return refused(response);
  access = ((await response.json()) as { access_token: string }).access_token;
}

export async function signOut(): Promise<void> {
  await asked('POST', '/v1/auth/logout', { headers: { 'content-type': 'application/json' }, body: '{}' }).catch(() => undefined);
  access = '';
}

export async function setUpNeeded(): Promise<boolean> {
  const response = await sent('GET', '/v1/setup', {});
  return response.ok ? ((await response.json()) as { needed: boolean }).needed : refused(response);
}

/** Makes the administrator, and signs them in for as long as this page is open. */
export async function setUp(organisation: string, login: string, password: string, token?: string): Promise<void> {
  const body = JSON.stringify({ organisation, login, password, ...(token ? { token } : {}) });
  const response = await sent('POST', '/v1/setup', { headers: { 'content-type': 'application/json' }, body });
  if (!response.ok) return refused(response);
  access = ((await response.json()) as { access_token: string }).access_token;
}

export const me = () => json<Me>('GET', '/v1/me');
export const accounts = () => json<Account[]>('GET', '/v1/accounts');
export const addAccount = (login: string, password: string, role: string, key: string) =>
  json<Account>('POST', '/v1/accounts', { login, password, role }, named(key));

export const participants = () => json<Participant[]>('GET', '/v1/participants?limit=500');
export const participant = (id: string) => json<Participant>('GET', `/v1/participants/${id}`);
export const addParticipant = (profile: Profile, key: string) =>
  json<Participant>('POST', '/v1/participants', profile, named(key));
export const erase = (id: string) => asked('DELETE', `/v1/participants/${id}`);
export const consent = (id: string, terms: string, keep_sound: boolean, research: boolean, key: string) =>
  json<unknown>('POST', `/v1/participants/${id}/consents`, { terms, keep_sound, research }, named(key));

export const sessions = (participant: string) => json<Session[]>('GET', `/v1/sessions?participant=${participant}&limit=500`);
export const session = (id: string) => json<Session>('GET', `/v1/sessions/${id}`);
export const addSession = (participant: string, facts: Record<string, unknown>, key: string) =>
  json<Session>('POST', '/v1/sessions', { participant, facts }, named(key));

/** Hands a file in. The manifest goes first, so that the server knows what comes. */
export async function submit(session: string, manifest: unknown, media: Blob, key: string): Promise<void> {
  const form = new FormData();
  form.append('manifest', new Blob([JSON.stringify(manifest)], { type: 'application/json' }));
  form.append('media', media);
  await asked('POST', `/v1/sessions/${session}/submissions`, { body: form, headers: named(key) });
}

export const assessments = (session: string) => json<Assessment[]>('GET', `/v1/assessments?session=${session}`);
export const assessment = (id: string) => json<Assessment>('GET', `/v1/assessments/${id}`);
export const addAssessment = (session: string, key: string) =>
  json<Assessment>('POST', '/v1/assessments', { session }, named(key));
export const report = (id: string) => json<Report>('GET', `/v1/assessments/${id}/report`);
export const sign = (it: Assessment, note: string) =>
  json<Assessment>('POST', `/v1/assessments/${it.id}/signature`, { note }, { 'if-match': `"${it.version}"` });
/** Where the report's page can be opened for a moment, without a token in its address bar. */
export const reportPage = async (id: string) =>
  (await json<{ path: string }>('POST', `/v1/assessments/${id}/page`, {})).path;
export const dictionary = () => json<{ name: string; label: string }[]>('GET', '/v1/dictionary');
export const file = async (path: string) => (await asked('GET', path)).blob();
