#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0
// Node's HTTP/2 client on the host talks to the servers in the VM.
'use strict';

const assert = require('assert');
const http2 = require('http2');

const ports = process.env;
const tests = [];
const test = (name, run) => tests.push([name, run]);

// Resolves with the session once the peer's SETTINGS are there.
function connect(port) {
	return new Promise((resolve, reject) => {
		const session = http2.connect(`https://localhost:${port}`, {
			rejectUnauthorized: false,
		});
		session.once('error', reject);
		session.once('remoteSettings', () => resolve(session));
	});
}

// Resolves with {headers, body} of one exchange; send(stream) writes what the request carries.
function exchange(session, fields, send = stream => stream.end()) {
	return new Promise((resolve, reject) => {
		const stream = session.request(fields, { endStream: false });
		const parts = [];
		let headers;
		stream.on('response', received => { headers = received; });
		stream.on('data', part => parts.push(part));
		stream.on('error', reject);
		stream.on('end', () => resolve({ headers, body: Buffer.concat(parts) }));
		send(stream);
	});
}

const get = (session, path) => exchange(session, { ':path': path });
const close = session => new Promise(resolve => session.close(resolve));

test('page_and_its_hundred_pictures_on_one_connection', async () => {
	const session = await connect(ports.KH2_PORT_8443);
	const page = await get(session, '/');
	const names = [...page.body.toString().matchAll(/<img src="([^"]*)"/g)].map(found => found[1]);
	assert.strictEqual(names.length, 100);
	const pictures = await Promise.all(names.map(name => get(session, name)));
	for (const picture of pictures) {
		assert.strictEqual(picture.headers[':status'], 200);
		assert.strictEqual(picture.headers['content-type'], 'image/svg+xml');
		assert.strictEqual(picture.body.length, Number(picture.headers['content-length']));
	}
	assert.strictEqual(new Set(pictures.map(picture => picture.body.toString())).size, 100);
	await close(session);
});

test('thousand_requests_one_after_another', async () => {
	const session = await connect(ports.KH2_PORT_8443);
	for (let i = 0; i < 1000; i++) {
		const answer = await get(session, '/sizes/1');
		assert.strictEqual(answer.body.length, 1);
	}
	await close(session);
});

test('ping_is_answered', async () => {
	const session = await connect(ports.KH2_PORT_8443);
	const payload = Buffer.from('kh2-ping');
	await new Promise((resolve, reject) => {
		session.ping(payload, (error, _ms, echoed) => {
			if (error)
				reject(error);
			assert.deepStrictEqual(echoed, payload);
			resolve();
		});
	});
	await close(session);
});

test('settings_are_acknowledged', async () => {
	const session = await connect(ports.KH2_PORT_8443);
	await new Promise((resolve, reject) => session.settings({ initialWindowSize: 1 << 20 },
		error => error ? reject(error) : resolve()));
	const answer = await get(session, '/sizes/1M');
	assert.strictEqual(answer.body.length, 1 << 20);
	await close(session);
});

test('echo_while_both_sides_still_send', async () => {
	const session = await connect(ports.KH2_PORT_8444);
	const part = Buffer.alloc(100000, 'kh2');
	const answer = await exchange(session, { ':method': 'POST', ':path': '/' }, stream => {
		let left = 10;
		const more = () => left-- ? stream.write(part, more) : stream.end();
		more();
	});
	assert.strictEqual(answer.headers[':status'], 200);
	assert.ok(answer.body.equals(Buffer.concat(Array(10).fill(part))));
	await close(session);
});

test('cancelled_stream_leaves_the_others_alone', async () => {
	const session = await connect(ports.KH2_PORT_8443);
	const doomed = session.request({ ':path': '/sizes/16M' });
	const closed = new Promise(resolve => doomed.on('close', resolve));
	doomed.on('error', () => {});
	await new Promise(resolve => doomed.once('data', resolve));
	doomed.close(http2.constants.NGHTTP2_CANCEL);
	await closed;
	assert.strictEqual((await get(session, '/sizes/1M')).body.length, 1 << 20);
	await close(session);
});

async function main() {
	console.log('TAP version 13');
	console.log(`1..${tests.length}`);
	for (const [index, [name, run]] of tests.entries()) {
		try {
			await run();
			console.log(`ok ${index + 1} ${name}`);
		} catch (error) {
			console.log(`not ok ${index + 1} ${name}`);
			console.log(String(error.stack).replace(/^/gm, '# '));
		}
	}
	// A session that a failed test left open would keep us here.
	process.exit();
}

main();
