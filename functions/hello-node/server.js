// hello-node: Node's own http module, with nothing of Catalyzer in it.
'use strict';

const http = require('node:http');

let requests = 0;

http.createServer((request, response) => {
  if (request.url !== '/') {
    response.writeHead(404).end('not found\n');
    return;
  }
  requests += 1;
  response.setHeader('Content-Type', 'text/plain');
  response.end(`hello from Node ${process.versions.node.split('.')[0]}, request ${requests}, pid ${process.pid}\n`);
}).listen(Number(process.env.PORT || 8080), '0.0.0.0');
