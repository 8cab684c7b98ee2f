// SPDX-License-Identifier: GPL-2.0
// Takes every request's body in and answers with its length; that of /slow a little at a time.
//
// usage: upload_server.js http1|http2 HOST PORT [CERT KEY]
'use strict';
const fs = require('fs');
const [version, host, port, cert, key] = process.argv.slice(2);
const PIECE_MS = 500;	// as in daemon/apps/discard.c

function take(request, response) {
	const slow = request.url === '/slow';
	let octets = 0;

	request.on('data', (piece) => {
		octets += piece.length;
		if (slow) {
			request.pause();
			setTimeout(() => request.resume(), PIECE_MS);
		}
	});
	request.on('end', () => response.end(`${octets}\n`));
	request.on('error', () => {});
}

function make() {
	if (version === 'http1')
		return require('http').createServer(take);
	const http2 = require('http2');
	if (!cert)
		return http2.createServer(take);
	return http2.createSecureServer(
		{ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, take);
}

make().listen(port, host);
