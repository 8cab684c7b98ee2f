// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of kh2.ko that take memory fail when told to, on kernels without fault injection too.
 *
 * Only calls that kh2.ko makes itself count, from whatever context. "nth" is counted down by each,
 * and the one that makes it 0 fails; "every" has each so-manieth fail. "begin" and "end" are where
 * the code of kh2.ko lies.
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/objtool.h>

static unsigned long begin, end;
module_param(begin, ulong, 0400);
module_param(end, ulong, 0400);

static int nth;
module_param(nth, int, 0600);

static int every;
module_param(every, int, 0600);

static int failed;
module_param(failed, int, 0600);

static atomic_t calls = ATOMIC_INIT(0);

/**
 * struct target - a function that can fail
 * @probe: at its entry
 * @value: what it returns then
 */
struct target {
	struct kprobe probe;
	long value;
};

#define TARGET(function, result) { .probe.symbol_name = function, .value = result }

static struct target targets[] = {
	TARGET("__alloc_skb", 0),
	TARGET("__kmalloc_cache_noprof", 0),
	TARGET("__kmalloc_noprof", 0),
	TARGET("__kvmalloc_node_noprof", 0),
	TARGET("__xa_alloc_cyclic", -ENOMEM),
	TARGET("alloc_pages_noprof", 0),
	TARGET("anon_inode_getfile", -ENOMEM),
	TARGET("get_unused_fd_flags", -EMFILE),
	TARGET("ida_alloc_range", -ENOMEM),
	TARGET("kvmemdup", 0),
	TARGET("skb_page_frag_refill", 0),
	TARGET("sock_recvmsg", -ENOMEM),
	TARGET("sock_sendmsg", -ENOMEM),
	TARGET("splice_direct_to_actor", -ENOMEM),
	TARGET("vfs_iter_read", -ENOMEM),
	TARGET("vm_insert_pages", -ENOMEM),
	TARGET("vmap", 0),
};

/* Takes the place of a function that fails: returns, and no more. */
void kh2_fault_return(void);
asm(".text\n"
	".type kh2_fault_return, @function\n"
	".globl kh2_fault_return\n"
	"kh2_fault_return:\n"
	ANNOTATE_NOENDBR "\n"
	ASM_RET
	".size kh2_fault_return, .-kh2_fault_return\n");

static bool nth_is_due(void)
{
	int n = READ_ONCE(nth);

	while (n > 0)
		if (try_cmpxchg(&nth, &n, n - 1))
			return n == 1;
	return false;
}

static bool is_due(void)
{
	int each = READ_ONCE(every);

	return nth_is_due() || (each && !(atomic_inc_return(&calls) % each));
}

static int at_entry(struct kprobe *probe, struct pt_regs *regs)
{
	const struct target *target = container_of(probe, struct target, probe);
	unsigned long caller = *(unsigned long *)regs->sp;

	if (caller < begin || caller >= end || !is_due())
		return 0;
	WRITE_ONCE(failed, READ_ONCE(failed) + 1);
	regs->ax = target->value;
	regs->ip = (unsigned long)kh2_fault_return;
	return 1;
}

NOKPROBE_SYMBOL(at_entry);

/* What this kernel does not have kh2.ko cannot call. */
static int __init fault_init(void)
{
	int n = 0;

	for (int i = 0; i < ARRAY_SIZE(targets); i++) {
		targets[i].probe.pre_handler = at_entry;
		if (register_kprobe(&targets[i].probe))
			targets[i].probe.symbol_name = NULL;
		else
			n++;
	}
	return n ? 0 : -ENOENT;
}

static void __exit fault_exit(void)
{
	for (int i = 0; i < ARRAY_SIZE(targets); i++)
		if (targets[i].probe.symbol_name)
			unregister_kprobe(&targets[i].probe);
}

module_init(fault_init);
module_exit(fault_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Faults for tests of kh2.ko");
