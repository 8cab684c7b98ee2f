// SPDX-License-Identifier: GPL-2.0
// Uploads side by side on one connection, perhaps beside one that is read slowly; says how many
// milliseconds passed until the last of them was answered, the slow one not counted.
//
// usage: upload_client.js URL CA COUNT SIZE SLOW
'use strict';
const fs = require('fs');
const http2 = require('http2');
const [url, ca, count, size, slow] = process.argv.slice(2);
const BEFORE_MS = 2000;		// the slow one has filled by then what it is given

const session = http2.connect(url, { ca: fs.readFileSync(ca), servername: 'localhost' });
const piece = Buffer.alloc(16384, 's');
const body = Buffer.alloc(Number(size), 'b');
let answered = 0, begin;

function fail(why) {
	console.error(String(why));
	process.exit(1);
}

// As much as is taken, without end
function begin_slow() {
	const request = session.request({ ':method': 'POST', ':path': '/slow' });
	const write = () => {
		while (request.write(piece))
			;
	};

	request.on('drain', write);
	request.on('error', fail);
	request.on('response', () => fail('the slow upload is answered'));
	write();
}

// The answer begins when all was read.
function upload() {
	const request = session.request({
		':method': 'POST', ':path': '/', 'content-length': body.length,
	});

	request.on('response', (headers) => {
		if (headers[':status'] !== 200)
			fail(`status ${headers[':status']}`);
		if (++answered === Number(count)) {
			console.log(Math.round(performance.now() - begin));
			process.exit(0);
		}
	});
	request.on('error', fail);
	request.resume();
	request.end(body);
}

session.on('error', fail);
session.on('close', () => fail('the connection is closed'));
session.once('remoteSettings', () => {
	if (slow === '1')
		begin_slow();
	setTimeout(() => {
		begin = performance.now();
		for (let i = 0; i < Number(count); i++)
			upload();
	}, BEFORE_MS);
});
