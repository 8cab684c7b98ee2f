/* SPDX-License-Identifier: GPL-2.0 */
/* Taking over a TCP socket and giving it back. */
#ifndef KH2_SOCKET_H
#define KH2_SOCKET_H

struct kh2_session;
struct sockaddr_storage;
struct sock;
struct proto;
struct msghdr;

int kh2_socket_attach(struct kh2_session *s, const char **why);
void kh2_socket_set_patience(struct kh2_session *s);
void kh2_socket_detach(struct kh2_session *s);
const struct proto *kh2_socket_own_io(struct sock *sk);
int kh2_socket_sendmsg(struct kh2_session *s, struct msghdr *msg);
int kh2_socket_recvmsg(struct kh2_session *s, struct msghdr *msg);
bool kh2_socket_acked(const struct kh2_session *s);
int kh2_socket_alert(struct kh2_session *s, u8 level, u8 desc);
int kh2_socket_push(struct kh2_session *s);
bool kh2_socket_busy(const struct kh2_session *s);
bool kh2_socket_drained(const struct kh2_session *s);

int kh2_socket_init(void);
void kh2_socket_exit(void);

#endif
