'use strict';

const routes = [
  ['GET', '/orders', 'get'], ['POST', '/orders', 'post'], ['PUT', '/orders/1', 'put'],
  ['DELETE', '/orders/2', 'delete'], ['GET', '/whoami', 'any token'],
];
const flaws = [['', 'good'], ['expired', 'expired'], ['tampered', 'tampered'], ['other audience', 'for another API'], ['none', 'none at all']];
const schemes = { okq8: 'OKQ8 (Entra ID)', messaging: 'messaging (Basic)', bokbasen: 'Bokbasen (Auth0)' };

const at = id => document.getElementById(id);
const picked = { scheme: 'okq8', client: '', flaw: '' };
let clients = [];
let token = '';
let turn = 0; // only the latest choice may write

function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

function choices(id, name, options, chosen, choose) {
  at(id).replaceChildren(...options.map(([value, text]) => {
    const label = element('label');
    const input = element('input');
    Object.assign(input, { type: 'radio', name, value, checked: value === chosen });
    input.addEventListener('change', () => choose(value));
    label.append(input, ' ' + text);
    return label;
  }));
}

// reach is fetch, and says when nothing answers any more.
async function reach(path, init) {
  try {
    const response = await fetch(path, init);
    at('gone').hidden = true;
    return response;
  } catch (error) {
    at('gone').textContent = 'The API does not answer: was it stopped? Start it again, then try once more.';
    at('gone').hidden = false;
    throw error;
  }
}

async function ask(path, body) {
  const init = body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {};
  const response = await reach(path, init);
  return response.json();
}

// quietly runs what a person asked for. That nothing answers was said already.
const quietly = work => () => work().catch(error => { if (at('gone').hidden) throw error; });

function showSchemes() {
  choices('schemes', 'scheme', Object.entries(schemes), picked.scheme, value => {
    picked.scheme = value;
    picked.client = '';
    showClients();
    renew();
  });
  showClients();
}

function showClients() {
  const own = clients.filter(c => c.scheme === picked.scheme);
  if (!picked.client) picked.client = own[0].id;
  choices('clients', 'client', own.map(c => [c.id, `${c.name} (${c.levels.join(', ') || 'no level'})`]), picked.client, value => {
    picked.client = value;
    renew();
  });
}

function showFlaws() {
  choices('flaws', 'flaw', flaws, picked.flaw, value => {
    picked.flaw = value;
    renew();
  });
}

function payloadOf(jwt) {
  const part = jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(part), c => c.charCodeAt(0));
  return JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 2);
}

// fresh gets the token that was picked, and forgets what the last one did.
async function fresh() {
  const mine = ++turn;
  const client = clients.find(c => c.id === picked.client);
  at('curl').textContent = client.curl;
  showRoutes();
  at('answer').textContent = 'Call a route.';
  at('called').textContent = 'Status, headers and body';
  const minted = picked.flaw === 'none' ? { token: '' } : await ask('/try/token', picked);
  const report = minted.token ? await ask('/try/explain', { token: minted.token }) : null;
  if (mine !== turn) return;
  token = minted.token;
  at('payload').textContent = token ? payloadOf(token) : 'no token';
  showReport(report);
}

// showReport shows why a call was answered as it was, or what a token is worth.
function showReport(report, called) {
  at('why').textContent = called ? `3. Why ${called}` : '3. Why';
  const verdict = at('verdict');
  if (!report) {
    verdict.textContent = 'There is no token to explain.';
    verdict.className = 'dim';
    at('checks').replaceChildren();
    return;
  }
  const good = called ? 'The token is good, and may do this.' : 'The token is good. Whether it may do this is for each route to say.';
  verdict.textContent = report.ok ? good : `Refused: ${report.reason}. ${report.hint}`;
  verdict.className = report.ok ? 'good' : 'bad';
  at('checks').replaceChildren(...report.checks.map(check => {
    const mark = check.skipped ? '–' : check.ok ? '✓' : '✗';
    const line = element('li', undefined, check.skipped ? 'dim' : check.ok ? '' : 'bad');
    const found = element('span', check.skipped ? 'not looked at' : check.found || (check.ok ? check.expected : ''));
    if (!check.ok && check.expected) found.append(element('small', 'expected ' + check.expected));
    line.append(element('span', mark, check.ok ? 'good' : ''), element('b', check.name), found);
    return line;
  }));
}

function showRoutes() {
  at('routes').replaceChildren(...routes.map(([method, path, needs]) => {
    const row = element('tr');
    const button = element('button', `${method} ${path}`);
    const status = element('td', '', 'status');
    button.type = 'button';
    button.addEventListener('click', quietly(async () => (await call(method, path, status))()));
    const cell = element('td');
    cell.append(button);
    row.append(cell, element('td', needs, 'dim'), status);
    return row;
  }));
}

// call makes a call, shows its answer, and returns what shows why.
async function call(method, path, status) {
  const mine = turn;
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  const init = { method, headers };
  if (method === 'POST' || method === 'PUT') {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify({ item: 'coffee', quantity: 2 });
  }
  const response = await reach(path, init);
  const body = await response.text();
  const report = token ? await ask('/try/explain', { token, method, path }) : null;
  const why = () => { if (mine === turn) showReport(report, `${method} ${path}`); };
  why.refused = !response.ok;
  if (mine !== turn) return why;
  status.textContent = response.status;
  status.className = 'status ' + (response.ok ? 'good' : response.status >= 500 ? 'warn' : 'bad');
  at('called').textContent = `${method} ${path}: ${response.status} ${response.statusText}`;
  const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`);
  at('answer').textContent = `${response.status} ${response.statusText}\n${lines.join('\n')}\n\n${body}`;
  return why;
}

at('all').addEventListener('click', quietly(async () => {
  const rows = [...at('routes').rows];
  const whys = [];
  for (const [i, [method, path]] of routes.entries()) whys.push(await call(method, path, rows[i].lastChild));
  (whys.find(why => why.refused) ?? whys.at(-1))();
}));

async function begin() {
  clients = await ask('/try/clients');
  showSchemes();
  showFlaws();
  await fresh();
}

const renew = quietly(fresh);

quietly(begin)();
