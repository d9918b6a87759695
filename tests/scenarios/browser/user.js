// A browser's user agent on node: commands in, events out, both as JSON lines.
//   node user.js STACK URL AOR [CA-FILE]      STACK: jssip or sipjs; password in $BECKON_PASSWORD
// Commands: {"do": "register"}, {"do": "message", "to": AOR, "text": TEXT}, {"do": "subscribe", "to": AOR}, {"do": "quit"}.
'use strict';

const fs = require('fs');
const readline = require('readline');
const path = require('path');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');
// The packages stand in the build folder, not beside this file.
const modules = process.env.BECKON_NODE_MODULES;
const load = createRequire(path.join(modules, 'any.js'));
const WebSocket = load('ws');

const [stack, url, aor, ca] = process.argv.slice(2);
const password = process.env.BECKON_PASSWORD;
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');

// What a browser has by itself.
global.WebSocket = class extends WebSocket {
  constructor(to, protocols) {
    super(to, protocols, ca ? { ca: fs.readFileSync(ca) } : {});
  }
};

function jssip() {
  const JsSIP = load('jssip');
  const ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(url)],
    uri: 'sip:' + aor,
    password,
    register: false,
  });
  ua.on('connected', () => tell({ event: 'connected' }));
  ua.on('registered', (e) => tell({
    event: 'registered', status: e.response.status_code, contact: e.response.getHeader('Contact'), own: ua.contact.toString(),
  }));
  ua.on('registrationFailed', (e) => tell({ event: 'failed', cause: e.cause }));
  ua.on('newMessage', (e) => {
    if (e.originator === 'remote') tell({ event: 'message', from: e.request.from.uri.toString(), text: e.request.body });
  });
  ua.start();
  return {
    register: () => ua.register(),
    message: (to, text) => ua.sendMessage('sip:' + to, text, {
      eventHandlers: {
        succeeded: (e) => tell({ event: 'sent', status: e.response.status_code }),
        failed: (e) => tell({ event: 'failed', cause: e.cause }),
      },
    }),
    subscribe: (to) => {
      const subscriber = ua.subscribe('sip:' + to, 'presence', 'application/pidf+xml', { expires: 600 });
      subscriber.on('pending', () => tell({ event: 'pending', of: to }));
      subscriber.on('active', () => tell({ event: 'active', of: to }));
      subscriber.on('notify', (final, request, body) => tell({ event: 'notify', of: to, body }));
      subscriber.on('terminated', (code, reason) => tell({ event: 'terminated', of: to, code, reason }));
      subscriber.subscribe();
    },
  };
}

async function sipjs() {
  const sip = await import(pathToFileURL(path.join(modules, 'node_modules/sip.js/lib/index.js')));
  const uri = (of) => sip.UserAgent.makeURI('sip:' + of);
  const ua = new sip.UserAgent({
    uri: uri(aor),
    transportOptions: { server: url },
    authorizationUsername: aor.split('@')[0],
    authorizationPassword: password,
    logBuiltinEnabled: false,
    delegate: {
      onConnect: () => tell({ event: 'connected' }),
      onMessage: (message) => {
        message.accept();
        tell({ event: 'message', from: message.request.from.uri.toString(), text: message.request.body });
      },
    },
  });
  const failed = (response) => tell({ event: 'failed', cause: response.message.statusCode });
  ua.start();
  return {
    register: () => new sip.Registerer(ua).register({
      requestDelegate: {
        onAccept: (response) => tell({
          event: 'registered', status: response.message.statusCode, contact: response.message.getHeader('Contact'),
          own: ua.contact.toString(),
        }),
        onReject: failed,
      },
    }),
    message: (to, text) => new sip.Messager(ua, uri(to), text).message({
      requestDelegate: {
        onAccept: (response) => tell({ event: 'sent', status: response.message.statusCode }),
        onReject: failed,
      },
    }),
    subscribe: (to) => {
      const subscriber = new sip.Subscriber(ua, uri(to), 'presence', {
        expires: 600, extraHeaders: ['Accept: application/pidf+xml'],
      });
      subscriber.delegate = {
        onNotify: (notification) => {
          notification.accept();
          tell({ event: notification.request.getHeader('Subscription-State').split(';')[0], of: to });
          tell({ event: 'notify', of: to, body: notification.request.body });
        },
      };
      subscriber.subscribe();
    },
  };
}

async function run() {
  const user = await { jssip, sipjs }[stack]();
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const command = JSON.parse(line);
    if (command.do === 'register') user.register();
    if (command.do === 'message') user.message(command.to, command.text);
    if (command.do === 'subscribe') user.subscribe(command.to);
    if (command.do === 'quit') process.exit(0);
  }).on('close', () => process.exit(0));
}

run();
