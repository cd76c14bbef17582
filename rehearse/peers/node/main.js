// Node's http as its documentation leaves: on SIGTERM and SIGINT `server.close()`, which "stops the
// server from accepting new connections and closes all connections connected to this server which are
// not sending a request or waiting for a response".
'use strict';

const http = require('node:http');

function number(url, name) {
  const value = Number(url.searchParams.get(name));
  return Number.isInteger(value) && value >= 0 ? value : undefined;
}

const routes = {
  'GET /': (url, request, response) => response.end('Hello, world!'),
  'GET /slow': (url, request, response) => {
    const ms = number(url, 'ms');
    setTimeout(() => response.end(`waited ${ms} ms\n`), ms);
  },
  'GET /download': async (url, request, response) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let left = number(url, 'bytes'); left > 0; left -= chunk.length) {
      if (!response.write(left < chunk.length ? chunk.subarray(0, left) : chunk)) {
        await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
      }
      if (response.destroyed) return;
    }
    response.end();
  },
  'POST /upload': (url, request, response) => {
    let bytes = 0;
    request.on('data', (chunk) => (bytes += chunk.length));
    request.on('end', () => response.end(`${bytes} bytes\n`));
  },
  'GET /events': (url, request, response) => {
    response.setHeader('Content-Type', 'text/event-stream');
    const ticks = setInterval(() => response.write('data: tick\n\n'), 100);
    response.on('close', () => clearInterval(ticks));
  },
};

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes[`${method} ${url.pathname}`];
  if (route) return route(url, request, response);
  response.statusCode = 404;
  response.end('not found\n');
});

server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => server.close());
}
