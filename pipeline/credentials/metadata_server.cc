#include "pipeline/credentials/metadata_server.h"

#include <utility>

namespace troupe::credentials {
namespace {

constexpr int64_t timeout_ms = 5'000;
constexpr uint64_t most_answer_bytes = 1 << 20;

}  // namespace

http::transfer_spec metadata_request(std::string url, const http::header& proof) {
  http::transfer_spec out;
  out.url = std::move(url);
  out.timeout_ms = timeout_ms;
  out.max_body_bytes = most_answer_bytes;
  out.follow_redirects = false;
  http::put_line(out.header_lines, proof.name, proof.value);
  return out;
}

}  // namespace troupe::credentials
