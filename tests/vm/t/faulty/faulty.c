// SPDX-License-Identifier: GPL-2.0
/* Does wrong, to see that the debug kernel notices: insmod faulty.ko fault=NAME */

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *fault = "";
module_param(fault, charp, 0);

static int volatile_index;
module_param_named(index, volatile_index, int, 0);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static int *protected;
static int table[4];

struct armed {
	struct timer_list timer;
};

static void leak(void)
{
	void *lost = kmalloc(200, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(lost);
}

static void use_after_free(void)
{
	int *gone = kzalloc(sizeof(*gone), GFP_KERNEL);

	if (!gone)
		return;
	kfree(gone);
	OPTIMIZER_HIDE_VAR(gone);
	WRITE_ONCE(*gone, 1);
}

static void out_of_bounds(void)
{
	WRITE_ONCE(table[volatile_index], 1);
}

static void shift(void)
{
	pr_info("faulty: %d\n", 1 << (volatile_index + 40));
}

static void inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	kfree(kmalloc(8, GFP_KERNEL));
	spin_unlock(&spin);
}

static void rcu_without_lock(void)
{
	int *p = rcu_dereference(*(int __rcu **)&protected);

	OPTIMIZER_HIDE_VAR(p);
}

static void never(struct timer_list *timer)
{
}

static void free_armed_timer(void)
{
	struct armed *armed = kzalloc(sizeof(*armed), GFP_KERNEL);

	if (!armed)
		return;
	timer_setup(&armed->timer, never, 0);
	mod_timer(&armed->timer, jiffies + 1000 * HZ);
	kfree(armed);
}

static const struct {
	const char *name;
	void (*run)(void);
} faults[] = {
	{ "leak", leak },
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "shift", shift },
	{ "inversion", inversion },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "rcu-without-lock", rcu_without_lock },
	{ "free-armed-timer", free_armed_timer },
};

static int __init faulty_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name)) {
			faults[i].run();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit faulty_exit(void)
{
}

module_init(faulty_init);
module_exit(faulty_exit);
MODULE_DESCRIPTION("Faults that a debug kernel reports");
MODULE_LICENSE("GPL");
