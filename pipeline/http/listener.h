// A listening socket. Lives on its loop's thread, like the callbacks it makes.
#pragma once

#include "storage/base/result.h"

#include <functional>
#include <memory>
#include <string>

namespace troupe::http {

class io_loop;

/// Accepts connections on one address and hands out their descriptors. Lives on its loop's thread.
class listener {
 public:
  /// `fd` is non-blocking and owned by the callee; `remote` is "ip:port".
  using accept_fn = std::function<void(int fd, std::string remote)>;
  /// Called when accept fails for want of descriptors or memory; accepting pauses for 100 ms.
  using starved_fn = std::function<void(int error)>;

  listener(io_loop& loop, accept_fn on_accept, starved_fn on_starved);
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  /// Binds and listens; before the loop runs or on its thread. Gives the bound address.
  result<std::string> open(const std::string& address);
  /// Begins to accept.
  void start();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace troupe::http
