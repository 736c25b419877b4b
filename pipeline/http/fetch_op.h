// One fetch from start to result: a small state machine between name lookup, connection and
// redirects. Lives on its loop's thread; owned by the loop's list.
#pragma once

#include "pipeline/http/fetch_loop.h"

#include <list>
#include <memory>
#include <optional>
#include <string>

namespace troupe::http {

class fetch_op final : public connection_user, public std::enable_shared_from_this<fetch_op> {
 public:
  fetch_op(fetch_loop& loop, fetch_request request, std::shared_ptr<fetch_batch> batch);

  void start();
  /// A descriptor has become free.
  void proceed();
  void on_deadline(int64_t now_ns);
  void fail(const status& why);

  const endpoint& to() const { return *to_; }
  const std::shared_ptr<fetch_batch>& batch() const { return batch_; }
  bool patient() const { return request_.patient; }
  std::list<std::shared_ptr<fetch_op>>::iterator place;
  deadline_wheel::entry deadline;

 private:
  friend class fetch_loop;
  enum class phase : unsigned char { waiting, resolving, connecting, exchanging };

  void on_open(const status& s) override;
  void on_response(const status& s) override;

  void connect(bool fresh);
  void resolve();
  void on_addresses(const result<addresses>& found);
  void connect_to_next();
  void exchange();
  status put_request(std::string& out) const;
  status redirect(std::string& location);
  void retire_connection();
  void succeed();
  void deliver(fetch_result result);
  std::string describe_phase() const;
  int64_t attempt_deadline(int64_t now_ns) const;

  fetch_loop& loop_;
  fetch_request request_;
  std::shared_ptr<fetch_batch> batch_;
  endpoint_ptr to_;
  std::string method_;
  std::unique_ptr<client_connection> connection_;
  addresses addresses_;
  size_t next_address_ = 0;
  int64_t started_ms_;
  int64_t started_ns_;
  int64_t deadline_ns_;
  phase phase_ = phase::waiting;
  int hops_ = 0;
  bool with_credentials_ = true;
  bool with_body_ = true;
  bool reused_ = false;
  bool retried_ = false;
};

}  // namespace troupe::http
