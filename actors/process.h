// What a node needs of its process: signals, the service manager, resource figures, limits. Linux.
#pragma once

#include "storage/base/memory_budget.h"
#include "storage/base/stats.h"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::actors {

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all later ones, and ignores SIGPIPE. Call
/// before any thread is started; works as PID 1 too, since waiting for a signal needs no default
/// action.
void block_signals();
/// The next of those signals, or nullopt after `timeout_ms`.
std::optional<int> wait_signal(int64_t timeout_ms);

/// Tells the service manager ("READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…",
/// "WATCHDOG=1"); does nothing without NOTIFY_SOCKET. Protocol: sd_notify(3).
void notify_service_manager(std::string_view state);
/// Half of WATCHDOG_USEC in ms; 0 without it.
int64_t watchdog_interval_ms();

/// Raises the soft limit of open files to the hard one; returns it.
uint64_t raise_file_limit();
/// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds and their like.
void add_process_metrics(registry& metrics);
/// troupe_memory_limit_bytes, troupe_memory_used_bytes and their like.
void add_memory_metrics(registry& metrics, memory_budget& budget);
/// CPUs this process may use.
unsigned available_cpus();

}  // namespace troupe::actors
