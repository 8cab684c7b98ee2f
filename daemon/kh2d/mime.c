// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The table of content types. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mime.h"

#define UTF8	"; charset=utf-8"

struct mime {
	const char *ext;
	const char *type;
};

/* Sorted by extension, for bsearch(3). */
static const struct mime table[] = {
	{ "7z",		 "application/x-7z-compressed" },
	{ "aac",	 "audio/aac" },
	{ "apng",	 "image/apng" },
	{ "atom",	 "application/atom+xml" },
	{ "avif",	 "image/avif" },
	{ "bmp",	 "image/bmp" },
	{ "br",		 "application/octet-stream" },
	{ "bz2",	 "application/x-bzip2" },
	{ "c",		 "text/plain" UTF8 },
	{ "cjs",	 "text/javascript" UTF8 },
	{ "conf",	 "text/plain" UTF8 },
	{ "css",	 "text/css" UTF8 },
	{ "csv",	 "text/csv" UTF8 },
	{ "eot",	 "application/vnd.ms-fontobject" },
	{ "epub",	 "application/epub+zip" },
	{ "flac",	 "audio/flac" },
	{ "gif",	 "image/gif" },
	{ "gz",		 "application/gzip" },
	{ "h",		 "text/plain" UTF8 },
	{ "htm",	 "text/html" UTF8 },
	{ "html",	 "text/html" UTF8 },
	{ "ico",	 "image/x-icon" },
	{ "ics",	 "text/calendar" UTF8 },
	{ "jpeg",	 "image/jpeg" },
	{ "jpg",	 "image/jpeg" },
	{ "js",		 "text/javascript" UTF8 },
	{ "json",	 "application/json" },
	{ "jsonld",	 "application/ld+json" },
	{ "jxl",	 "image/jxl" },
	{ "log",	 "text/plain" UTF8 },
	{ "m3u8",	 "application/vnd.apple.mpegurl" },
	{ "m4a",	 "audio/mp4" },
	{ "m4s",	 "video/iso.segment" },
	{ "m4v",	 "video/mp4" },
	{ "map",	 "application/json" },
	{ "md",		 "text/markdown" UTF8 },
	{ "mjs",	 "text/javascript" UTF8 },
	{ "mkv",	 "video/matroska" },
	{ "mov",	 "video/quicktime" },
	{ "mp3",	 "audio/mpeg" },
	{ "mp4",	 "video/mp4" },
	{ "mpd",	 "application/dash+xml" },
	{ "oga",	 "audio/ogg" },
	{ "ogg",	 "audio/ogg" },
	{ "ogv",	 "video/ogg" },
	{ "opus",	 "audio/ogg" },
	{ "otf",	 "font/otf" },
	{ "pdf",	 "application/pdf" },
	{ "png",	 "image/png" },
	{ "rss",	 "application/rss+xml" },
	{ "rtf",	 "application/rtf" },
	{ "svg",	 "image/svg+xml" },
	{ "tar",	 "application/x-tar" },
	{ "tif",	 "image/tiff" },
	{ "tiff",	 "image/tiff" },
	{ "ts",		 "video/mp2t" },
	{ "ttf",	 "font/ttf" },
	{ "txt",	 "text/plain" UTF8 },
	{ "vtt",	 "text/vtt" UTF8 },
	{ "wasm",	 "application/wasm" },
	{ "wav",	 "audio/wav" },
	{ "weba",	 "audio/webm" },
	{ "webm",	 "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp",	 "image/webp" },
	{ "woff",	 "font/woff" },
	{ "woff2",	 "font/woff2" },
	{ "xhtml",	 "application/xhtml+xml" },
	{ "xml",	 "application/xml" },
	{ "xz",		 "application/x-xz" },
	{ "yaml",	 "application/yaml" },
	{ "yml",	 "application/yaml" },
	{ "zip",	 "application/zip" },
	{ "zst",	 "application/zstd" },
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct mime *)row)->ext);
}

const char *mime_type(const char *path)
{
	const char *name = strrchr(path, '/');
	const char *dot = strrchr(name ? name : path, '.');
	const struct mime *found;
	char ext[16];
	size_t i;

	if (!dot)
		return "application/octet-stream";
	for (i = 0; dot[i + 1] && i < sizeof(ext) - 1; i++)
		ext[i] = (char)tolower((unsigned char)dot[i + 1]);
	ext[i] = '\0';
	found = bsearch(ext, table, sizeof(table) / sizeof(table[0]), sizeof(table[0]), compare);
	return found ? found->type : "application/octet-stream";
}
