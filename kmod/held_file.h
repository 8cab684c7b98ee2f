/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are held for a user, who may have closed his descriptors. */
#ifndef KH2_HELD_FILE_H
#define KH2_HELD_FILE_H

struct file;
struct kh2_held_file;
struct kh2_user;

struct kh2_held_file *kh2_held_file_get(struct kh2_user *user, const struct file *file);
void kh2_held_file_put(struct kh2_held_file *held);

int kh2_held_files_init(struct kh2_user *user);
void kh2_held_files_exit(struct kh2_user *user);

#endif
