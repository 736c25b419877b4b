#include "pipeline/replay/sample_sender.h"

#include "pipeline/send/answer.h"

#include <algorithm>
#include <utility>

namespace troupe::replay {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
/// Waits are cut into pieces of this, so that a stop is noticed.
constexpr int64_t longest_piece_ns = 100 * ns_per_ms;
constexpr int unsupported_media_type = 415;

/// Of the way to the receiver rather than of the samples: what comes next would be refused too.
bool is_about_all(int code) {
  constexpr int of_the_way[] = {401, 403, 404, 405, 407, unsupported_media_type};
  return code / 100 != 4 ||
         std::find(std::begin(of_the_way), std::end(of_the_way), code) != std::end(of_the_way);
}

send::entry_counts count(const std::vector<send::entry>& entries) {
  send::entry_counts out;
  for (const auto& e : entries)
    out.add(e.kind);
  return out;
}

uint64_t samples_of(const send::entry_counts& c) {
  return c.samples + c.histograms;
}

bool has_custom_buckets(const send::entry& e) {
  return e.kind == send::entry_kind::histogram && e.extra->hist->schema == histogram::custom_schema;
}

}  // namespace

sample_sender::sample_sender(write_function write, const clock& clk,
                             std::function<void(int64_t)> pause, std::function<bool()> stopped,
                             const sender_options& options)
    : write_(std::move(write)),
      clock_(clk),
      pause_(std::move(pause)),
      stopped_(std::move(stopped)),
      options_(options),
      next_ns_(clk.monotonic_ns()) {}

status sample_sender::wait(int64_t ns) {
  const int64_t end = clock_.monotonic_ns() + ns;
  for (int64_t now = clock_.monotonic_ns(); now < end; now = clock_.monotonic_ns()) {
    if (stopped_())
      return {errc::canceled, "stopped"};
    const int64_t piece = std::min(end - now, longest_piece_ns);
    pause_((piece + ns_per_ms - 1) / ns_per_ms);
  }
  return {};
}

status sample_sender::keep_rate(uint64_t samples) {
  if (options_.rate <= 0)
    return {};
  TROUPE_TRY(wait(next_ns_ - clock_.monotonic_ns()));
  next_ns_ = std::max(next_ns_, clock_.monotonic_ns() - longest_piece_ns) +
             static_cast<int64_t>(static_cast<double>(samples) / options_.rate * 1e9);
  return {};
}

// A receiver of version 1.0 may read a request of 2.0 as an empty one.
bool sample_sender::is_answer_of_v1(const http::fetch_result& got) const {
  if (protocol_ == remote::write_protocol::v1 || !got.error.ok())
    return false;
  return got.code == unsupported_media_type ||
         (got.code / 100 == 2 && !knows_v2_ && !send::written(got.header_fields));
}

void sample_sender::use_v1() {
  protocol_ = remote::write_protocol::v1;
  encoder_ = std::make_unique<send::body_encoder>(protocol_);
}

result<http::fetch_result> sample_sender::answer_for_good(const std::string& body) {
  const int64_t give_up_ns = clock_.monotonic_ns() + options_.retry_ms * ns_per_ms;
  for (int64_t pause_ms = options_.first_pause_ms;;
       pause_ms = std::min(2 * pause_ms, options_.longest_pause_ms)) {
    if (stopped_())
      return {errc::canceled, "stopped"};
    auto got = write_(protocol_, body);
    if (send::judge(got, true) != send::verdict::again)
      return got;
    if (stopped_())
      return {errc::canceled, "stopped"};
    if (clock_.monotonic_ns() >= give_up_ns)
      return {errc::unavailable, "the receiver takes nothing: " + send::describe(got)};
    ++retries_;
    const int64_t asked_ms = send::retry_after_ms(got.header_fields, clock_.now_ms());
    TROUPE_TRY(wait((asked_ms > 0 ? asked_ms : pause_ms) * ns_per_ms));
  }
}

send_outcome sample_sender::judge(const http::fetch_result& got,
                                  const send::entry_counts& sent) const {
  send_outcome out;
  const bool taken = got.code / 100 == 2;
  const bool v2 = protocol_ == remote::write_protocol::v2;
  const auto told = v2 ? send::written(got.header_fields) : std::nullopt;
  const auto lost = told ? sent.without(*told) : taken ? send::entry_counts() : sent;
  out.refused = samples_of(lost);
  out.written = samples_of(sent) - out.refused;
  if (out.refused > 0)
    out.reason =
        taken ? "the receiver does not confirm that it has stored everything" : send::describe(got);
  return out;
}

result<send_outcome> sample_sender::send(std::vector<send::entry> entries) {
  TROUPE_TRY(keep_rate(samples_of(count(entries))));
  send::portion part;
  part.entries = std::move(entries);
  for (;;) {
    uint64_t not_carried = 0;
    if (protocol_ == remote::write_protocol::v1)
      not_carried = std::erase_if(part.entries, has_custom_buckets);
    if (part.entries.empty())
      return send_outcome{.not_carried = not_carried};
    TROUPE_ASSIGN(const auto got,
                  answer_for_good(encoder_->encode(std::span(&part, 1), described_)));
    if (is_answer_of_v1(got)) {
      use_v1();
      continue;
    }
    if (got.code / 100 != 2 && is_about_all(got.code))
      return {errc::invalid_argument, "the receiver refuses requests: " + send::describe(got)};
    knows_v2_ = knows_v2_ || send::written(got.header_fields).has_value();
    ++requests_;
    auto out = judge(got, count(part.entries));
    out.not_carried = not_carried;
    return out;
  }
}

}  // namespace troupe::replay
