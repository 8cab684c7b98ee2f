#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0
// Node's HTTP/2 client against kh2d: files at once, HEAD, a range, PING, a stream that is given up.
'use strict';
const assert = require('assert');
const fs = require('fs');
const http2 = require('http2');

const [directory, url] = process.argv.slice(2);
const session = http2.connect(url, { ca: fs.readFileSync(`${directory}/cert.pem`) });

function request(headers) {
	return new Promise((resolve, reject) => {
		const stream = session.request(headers);
		const parts = [];
		let answer;
		stream.on('response', (h) => { answer = h; });
		stream.on('data', (part) => parts.push(part));
		stream.on('end', () => resolve({ answer, body: Buffer.concat(parts) }));
		stream.on('error', reject);
		stream.end();
	});
}

function ping() {
	return new Promise((resolve, reject) => {
		session.ping(Buffer.from('12345678'), (error, duration, payload) =>
			error ? reject(error) : resolve(payload));
	});
}

function givenUp() {
	return new Promise((resolve) => {
		const stream = session.request({ ':path': '/16M' });
		stream.once('data', () => stream.close(http2.constants.NGHTTP2_CANCEL));
		stream.on('close', resolve);
	});
}

async function main() {
	const file = fs.readFileSync(`${directory}/www/1M`);
	const all = await Promise.all(Array.from({ length: 10 }, () => request({ ':path': '/1M' })));
	for (const { answer, body } of all) {
		assert.strictEqual(answer[':status'], 200);
		assert(body.equals(file));
	}
	const head = await request({ ':path': '/1M', ':method': 'HEAD' });
	assert.strictEqual(head.answer['content-length'], '1048576');
	assert.strictEqual(head.body.length, 0);
	const part = await request({ ':path': '/1M', 'range': 'bytes=100-199' });
	assert.strictEqual(part.answer[':status'], 206);
	assert(part.body.equals(file.subarray(100, 200)));
	assert.strictEqual((await ping()).toString(), '12345678');
	await givenUp();
	const after = await request({ ':path': '/hello.txt' });
	assert.strictEqual(after.body.toString(), 'hello\n');
	session.close();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
