// A browser's user agent (JsSIP) on node: commands in, events out, both as JSON lines.
//   node user.js URL AOR [CA-FILE]      password in $BECKON_PASSWORD
// Commands: {"do": "register"}, {"do": "message", "to": AOR, "text": TEXT}, {"do": "subscribe", "to": AOR}, {"do": "quit"}.
'use strict';

const fs = require('fs');
const readline = require('readline');
const path = require('path');
const { createRequire } = require('module');
// The packages stand in the build folder, not beside this file.
const load = createRequire(path.join(process.env.BECKON_NODE_MODULES, 'any.js'));
const WebSocket = load('ws');
const JsSIP = load('jssip');

const [url, aor, ca] = process.argv.slice(2);
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');

// What a browser has by itself.
global.WebSocket = class extends WebSocket {
  constructor(to, protocols) {
    super(to, protocols, ca ? { ca: fs.readFileSync(ca) } : {});
  }
};

const ua = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(url)],
  uri: 'sip:' + aor,
  password: process.env.BECKON_PASSWORD,
  register: false,
});

ua.on('connected', () => tell({ event: 'connected' }));
ua.on('disconnected', (e) => tell({ event: 'disconnected', code: e.code || 0 }));
ua.on('registered', (e) => tell({
  event: 'registered', status: e.response.status_code, contact: e.response.getHeader('Contact'), own: ua.contact.toString(),
}));
ua.on('unregistered', () => tell({ event: 'unregistered' }));
ua.on('registrationFailed', (e) => tell({ event: 'failed', cause: e.cause }));
ua.on('newMessage', (e) => {
  if (e.originator === 'remote') tell({ event: 'message', from: e.request.from.uri.toString(), text: e.request.body });
});

function subscribe(to) {
  const subscriber = ua.subscribe(to, 'presence', 'application/pidf+xml', { expires: 600 });
  subscriber.on('accepted', () => tell({ event: 'accepted', of: to }));
  subscriber.on('pending', () => tell({ event: 'pending', of: to }));
  subscriber.on('active', () => tell({ event: 'active', of: to }));
  subscriber.on('notify', (final, request, body) => tell({ event: 'notify', of: to, body }));
  subscriber.on('terminated', (code, reason) => tell({ event: 'terminated', of: to, code, reason }));
  subscriber.subscribe();
}

function message(to, text) {
  ua.sendMessage('sip:' + to, text, {
    eventHandlers: {
      succeeded: (e) => tell({ event: 'sent', status: e.response.status_code }),
      failed: (e) => tell({ event: 'failed', cause: e.cause }),
    },
  });
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.do === 'register') ua.register();
  if (command.do === 'unregister') ua.unregister();
  if (command.do === 'message') message(command.to, command.text);
  if (command.do === 'subscribe') subscribe('sip:' + command.to);
  if (command.do === 'quit') process.exit(0);
}).on('close', () => process.exit(0));

ua.start();
