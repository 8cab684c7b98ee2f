/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Content types by the extension of a file's name. */
#ifndef KH2D_MIME_H
#define KH2D_MIME_H

/* Content type of a path; application/octet-stream if its extension is not known. */
const char *mime_type(const char *path);

#endif /* KH2D_MIME_H */
