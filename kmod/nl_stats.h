/* SPDX-License-Identifier: GPL-2.0 */
/* The command that asks for counters. */
#ifndef KH2_NL_STATS_H
#define KH2_NL_STATS_H

struct genl_info;
struct sk_buff;

int kh2_nl_stats_get(struct sk_buff *req, struct genl_info *info);

#endif
