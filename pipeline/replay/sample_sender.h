// Writes samples to a receiver of remote write, one request at a time, and stays at it until the
// receiver has answered for good. One owner.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/remote/write_protocol.h"
#include "pipeline/send/metadata_book.h"
#include "pipeline/send/request_body.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::replay {

/// One request with a compressed body, and its answer with the header fields.
using write_function =
    std::function<http::fetch_result(remote::write_protocol protocol, const std::string& body)>;

struct sender_options {
  double rate = 0;               ///< samples a second; 0: no bound
  int64_t retry_ms = 600'000;    ///< a request that failed for so long ends the run
  int64_t first_pause_ms = 100;  ///< between attempts, doubled each time
  int64_t longest_pause_ms = 10'000;
};

/// Samples and histograms of a request.
struct send_outcome {
  uint64_t written = 0;
  uint64_t refused = 0;
  uint64_t not_carried = 0;  ///< histograms with custom buckets, which version 1.0 has not
  std::string reason;        ///< why some were refused
};

class sample_sender {
 public:
  /// `pause(ms)` waits; `stopped()` ends waiting.
  sample_sender(write_function write, const clock& clk, std::function<void(int64_t)> pause,
                std::function<bool()> stopped, const sender_options& options);

  /// What families are, for requests of version 2.0.
  void describe(const std::vector<metadata_entry>& families) { described_.add(families); }
  /// Not ok: it is not known, or not so, that the receiver has these samples; the run must end.
  /// canceled: stopped. Refused samples are no error, unless it is all that comes this way that the
  /// receiver refuses (credentials, a wrong path).
  result<send_outcome> send(std::vector<send::entry> entries);

  remote::write_protocol protocol() const { return protocol_; }
  uint64_t requests() const { return requests_; }  ///< with an answer that counts
  uint64_t retries() const { return retries_; }

 private:
  result<http::fetch_result> answer_for_good(const std::string& body);
  status wait(int64_t ns);
  status keep_rate(uint64_t samples);
  bool is_answer_of_v1(const http::fetch_result& got) const;
  void use_v1();
  send_outcome judge(const http::fetch_result& got, const send::entry_counts& sent) const;

  const write_function write_;
  const clock& clock_;
  const std::function<void(int64_t)> pause_;
  const std::function<bool()> stopped_;
  const sender_options options_;
  remote::write_protocol protocol_ = remote::write_protocol::v2;
  bool knows_v2_ = false;  ///< the receiver has counted what it wrote
  std::unique_ptr<send::body_encoder> encoder_ =
      std::make_unique<send::body_encoder>(remote::write_protocol::v2);
  send::metadata_book described_;
  int64_t next_ns_ = 0;  ///< when the rate allows the next request
  uint64_t requests_ = 0, retries_ = 0;
};

}  // namespace troupe::replay
