// node-express: Express with a JSON route and a file upload, with nothing of Catalyzer in it.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const express = require('express');
const { formidable } = require('formidable');

const app = express();
let requests = 0;

app.get('/', (request, response) => {
  requests += 1;
  const { version } = require('express/package.json');
  response.type('text/plain').send(`hello from Express ${version}, request ${requests}\n`);
});

// What comes in as JSON goes out sorted.
app.post('/sort', express.json({ limit: '1mb' }), (request, response) => {
  const { values } = request.body;
  if (!Array.isArray(values) || !values.every(Number.isFinite)) {
    response.status(400).json({ error: 'values: a list of numbers' });
    return;
  }
  response.json({ values: values.sort((a, b) => a - b), count: values.length });
});

// Files of a multipart form go to /tmp, are read back, and gone.
app.post('/upload', (request, response, next) => {
  formidable({ uploadDir: '/tmp', maxFileSize: 16 << 20 }).parse(request, async (error, fields, files) => {
    if (error) return next(error);
    try {
      const answer = [];
      for (const file of Object.values(files).flat()) {
        const bytes = await fs.readFile(file.filepath);
        await fs.unlink(file.filepath);
        const digest = crypto.createHash('sha256').update(bytes).digest('hex');
        answer.push({ name: file.originalFilename, bytes: bytes.length, sha256: digest });
      }
      response.json({ files: answer });
    } catch (error) {
      next(error);
    }
  });
});

app.listen(Number(process.env.PORT || 8080), '0.0.0.0');
