// One connection of the server: reads a request, has it judged, hands it on, writes the answer, and
// only then looks at the next, so that pipelined answers keep their order. Lives on its loop's
// thread.
#pragma once

#include "pipeline/http/message_reader.h"
#include "pipeline/http/response_writer.h"
#include "pipeline/http/server_context.h"
#include "pipeline/http/stream.h"
#include "pipeline/http/url.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe::http {

class server_session final : public stream_events,
                             public std::enable_shared_from_this<server_session> {
 public:
  server_session(std::shared_ptr<server_loop> home, std::shared_ptr<server_context> server,
                 std::string remote);
  ~server_session() override;

  /// Takes the socket. `refuse`: over the connection limit, only a 503 is said.
  void start(int fd, web_policy_ptr policy, bool refuse);
  void on_deadline(int64_t now_ns);
  /// The server drains: an idle connection ends now, another after its answer.
  void wind_down();
  /// Ends at once.
  void close();
  /// True while a request is being read, handled or answered.
  bool busy() const { return phase_ != phase::idle && phase_ != phase::lingering; }

 private:
  enum class phase : unsigned char {
    handshake,
    idle,  ///< waits for the first byte of a request
    head,
    judging,  ///< the password is being checked
    body,
    handling,
    writing,
    lingering,  ///< the answer is out, the rest of an unwanted request is read and dropped
    closed,
  };
  struct answer_slot;

  void on_connect(const status& s) override;
  void on_read(const status& s, size_t n) override;
  void on_write(const status& s) override;

  void await_request();
  void read_more();
  void read_request();
  void on_head();
  void judge();
  void on_verdict(password_checker::verdict v);
  void admitted();
  /// False if the request was answered already.
  bool route();
  void dispatch();
  bool add_form(request& r);
  void on_answer(uint64_t serial, response&& r);
  void refuse(int code, std::string message, const char* reason);
  void reply(response&& r);
  /// Turns `r` into a refusal if too many bytes of answers wait already.
  void charge(response& r);
  void write_on();
  void answered();
  void linger();
  void set_deadline(int64_t in_ms);
  headers extra_headers() const;
  bool allowed_peer() const;
  int64_t now_ns() const { return server_->clk.monotonic_ns(); }

  const std::shared_ptr<server_loop> home_;
  const std::shared_ptr<server_context> server_;
  const std::string remote_;
  web_policy_ptr policy_;
  deadline_wheel::entry deadline_;
  phase phase_ = phase::handshake;
  request_reader reader_;
  response_writer writer_;
  request_target target_;
  std::string buffer_;
  size_t filled_ = 0;
  std::string out_;
  byte_lease answer_charge_;
  std::string route_;  ///< of the answer, for the metrics
  int code_ = 0;
  uint64_t serial_ = 0;  ///< of the request; a late answer to an earlier one is dropped
  uint64_t requests_ = 0;
  uint64_t body_bytes_ = 0;
  uint64_t written_before_ = 0;
  int64_t request_began_ns_ = 0;
  int64_t body_began_ns_ = 0;
  int64_t received_ns_ = 0;
  std::shared_ptr<std::atomic<bool>> gone_;
  bool reading_ = false;
  bool peer_ended_ = false;
  bool more_to_write_ = false;
  bool counted_ = true;  ///< in the connection limit
  bool tls_ = false;
  std::unique_ptr<stream> stream_;
};

}  // namespace troupe::http
