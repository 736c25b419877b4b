#include "pipeline/bench/write_load.h"

#include "pipeline/http/gzip_encoder.h"
#include "pipeline/http/snappy_encoder.h"
#include "pipeline/otlp/metrics_encoder.h"
#include "pipeline/remote/write_encoder.h"
#include "pipeline/remote/write_v2_encoder.h"

#include <algorithm>
#include <type_traits>
#include <unordered_map>

namespace troupe::bench {
namespace {

constexpr int64_t ms_in_ns = 1'000'000;
constexpr int64_t first_backoff_ns = 30 * ms_in_ns;
constexpr int64_t longest_backoff_ns = 2'000 * ms_in_ns;

// Encodes series, which have numbers, into requests of one protocol.
class request_encoder {
 public:
  virtual ~request_encoder() = default;
  virtual void settle(size_t series, const labels& of, const metadata& described) = 0;
  virtual void add(size_t series, std::span<const sample> samples) = 0;
  virtual void add(size_t series, timestamp_ms ts, const histogram& h) = 0;
  virtual std::string_view request() = 0;
  virtual void clear() = 0;
};

template <class Encoder, class Series>
class encoder_of final : public request_encoder {
 public:
  explicit encoder_of(size_t series) : series_(series) {}

  void settle(size_t series, const labels& of, const metadata& described) override {
    if constexpr (std::is_same_v<Encoder, remote::write_encoder>)
      series_[series] = remote::encode_series_labels(of);
    else
      series_[series] = encoder_.prepare(of, described);
  }
  void add(size_t series, std::span<const sample> samples) override {
    encoder_.add(series_[series], samples);
  }
  void add(size_t series, timestamp_ms ts, const histogram& h) override {
    encoder_.add(series_[series], ts, h);
  }
  std::string_view request() override { return encoder_.request(); }
  void clear() override { encoder_.clear(); }

 private:
  Encoder encoder_;
  std::vector<Series> series_;
};

// Counters that are named so are sums, and no metric has a unit, so that the names which a server
// makes of OpenTelemetry's are those of the profile.
class otlp_encoder final : public request_encoder {
 public:
  otlp_encoder(size_t series, timestamp_ms start, bool native)
      : encoder_(start), native_(native), series_(series) {}

  void settle(size_t series, const labels& of, const metadata& described) override {
    const bool counted =
        described.type == metric_type::counter && of.metric_name().ends_with("_total");
    const auto kind = native_   ? otlp::metric_kind::exponential
                      : counted ? otlp::metric_kind::sum
                                : otlp::metric_kind::gauge;
    series_[series] = otlp::metrics_encoder::prepare(of, kind, described.help);
  }
  void add(size_t series, std::span<const sample> samples) override {
    encoder_.add(series_[series], samples);
  }
  void add(size_t series, timestamp_ms ts, const histogram& h) override {
    encoder_.add(series_[series], ts, h);
  }
  std::string_view request() override { return encoder_.request(); }
  void clear() override { encoder_.clear(); }

 private:
  otlp::metrics_encoder encoder_;
  const bool native_;
  std::vector<otlp::metrics_encoder::series> series_;
};

std::unique_ptr<request_encoder> make_encoder(config::load_protocol protocol,
                                              const fleet_options& of, bool native) {
  using v2 = remote::write_v2_encoder;
  switch (protocol) {
    case config::load_protocol::write_v1:
      return std::make_unique<encoder_of<remote::write_encoder, std::string>>(of.series);
    case config::load_protocol::write_v2:
      return std::make_unique<encoder_of<v2, v2::series>>(of.series);
    case config::load_protocol::otlp:
      break;
  }
  return std::make_unique<otlp_encoder>(of.series, of.start, native);
}

// The requests of one group of rows: values of all series, and their encoded labels.
class group_encoder {
 public:
  group_encoder(const profile_ptr& shape, const ledger_header& header,
                config::load_protocol protocol)
      : fleet_(shape, header.fleet),
        shape_(header.shape),
        protocol_(protocol),
        encoder_(make_encoder(protocol, header.fleet, shape->native())),
        hosts_(fleet_.slots(), no_host) {}

  uint64_t new_series() const { return new_series_; }

  /// Makes the values of `group`; groups come in order.
  void enter(uint64_t group) {
    first_row_ = group * shape_.rows;
    rows_ = std::min(shape_.rows, fleet_.options().rows - first_row_);
    values_.clear();
    for (uint64_t r = 0; r < rows_; ++r) {
      const auto row = fleet_.next_row();
      values_.insert(values_.end(), row.begin(), row.end());
    }
    for (size_t slot = 0; slot < fleet_.slots(); ++slot)
      if (const auto host = fleet_.host_at(slot, first_row_); host != hosts_[slot])
        settle(slot, host);
  }

  uint64_t samples(size_t chunk) const { return rows_ * (end_of(chunk) - chunk * shape_.series); }

  /// The compressed body of one request of the group.
  std::string encode(size_t chunk) {
    encoder_->clear();
    const size_t width = fleet_.shape().width(), series = fleet_.options().series;
    for (size_t s = chunk * shape_.series; s < end_of(chunk); ++s) {
      const uint64_t host = hosts_[s / width];
      samples_.clear();
      for (uint64_t r = 0; r < rows_; ++r)
        samples_.push_back({fleet_.time_of(host, first_row_ + r), values_[r * series + s]});
      if (!fleet_.shape().native()) {
        encoder_->add(s, samples_);
        continue;
      }
      for (const auto& p : samples_)
        encoder_->add(s, p.ts, fleet_.shape().native_value(s % width, p.value));
    }
    if (protocol_ == config::load_protocol::otlp)
      return http::gzip(encoder_->request());
    std::string out;
    http::snappy(encoder_->request(), out);
    return out;
  }

 private:
  static constexpr uint64_t no_host = ~0ULL;

  size_t end_of(size_t chunk) const {
    return std::min((chunk + 1) * shape_.series, fleet_.options().series);
  }

  void settle(size_t slot, uint64_t host) {
    const size_t width = fleet_.shape().width();
    if (hosts_[slot] != no_host)
      new_series_ += fleet_.width(slot);
    hosts_[slot] = host;
    for (size_t c = 0; c < fleet_.width(slot); ++c)
      encoder_->settle(slot * width + c, fleet_.series_labels(host, c),
                       fleet_.shape().described()[c]);
  }

  fleet fleet_;
  const write_shape shape_;
  const config::load_protocol protocol_;
  const std::unique_ptr<request_encoder> encoder_;
  std::vector<uint64_t> hosts_;
  uint64_t first_row_ = 0, rows_ = 0, new_series_ = 0;
  std::vector<double> values_;
  std::vector<sample> samples_;
};

struct flight {
  uint64_t group = 0;
  size_t chunk = 0;
  uint64_t samples = 0;
  std::string body;
  int64_t first_failure_ns = 0;  ///< 0: none yet
  int64_t backoff_ns = first_backoff_ns;
  int64_t due_ns = 0;  ///< to be sent again then; 0: under way
};

class sender {
 public:
  sender(const profile_ptr& shape, const write_load_options& options, client::api_client& server,
         ledger_book& book, const clock& clk, client::progress& shown)
      : header_(book.entries().header),
        options_(options),
        server_(server),
        book_(book),
        clock_(clk),
        shown_(shown),
        encoder_(shape, header_, options.protocol),
        busy_(header_.shape.chunks(header_.fleet), false) {}

  result<write_report> run() {
    const int64_t begin = clock_.monotonic_ns();
    const uint64_t groups = header_.shape.groups(header_.fleet);
    const uint64_t total = header_.fleet.rows * header_.fleet.series;
    uint64_t started = 0;
    for (uint64_t group = 0; group < groups; ++group) {
      encoder_.enter(group);
      for (size_t chunk = 0; chunk < busy_.size(); ++chunk) {
        int64_t due = begin;
        if (options_.samples_per_second > 0)
          due += static_cast<int64_t>(static_cast<double>(started) / options_.samples_per_second *
                                      1e9);
        TROUPE_TRY(wait(
            [&] {
              return !busy_[chunk] && flights_.size() < options_.in_flight &&
                     clock_.monotonic_ns() >= due;
            },
            due));
        flight f;
        f.group = group;
        f.chunk = chunk;
        f.samples = encoder_.samples(chunk);
        f.body = encoder_.encode(chunk);
        started += f.samples;
        busy_[chunk] = true;
        server_.write(next_token_, f.body);
        flights_.emplace(next_token_++, std::move(f));
        shown_.update(report_.acked_samples + report_.failed_samples, total);
      }
    }
    TROUPE_TRY(wait([&] { return flights_.empty(); }, 0));
    report_.duration_ns = clock_.monotonic_ns() - begin;
    report_.new_series = encoder_.new_series();
    return std::move(report_);
  }

 private:
  template <class Condition>
  status wait(Condition met, int64_t due_ns) {
    TROUPE_TRY(take(0));
    while (!met()) {
      // Until an answer comes, a request is to be sent again, or the rate allows the next one.
      constexpr int64_t longest_ns = 200 * ms_in_ns;
      const int64_t now = clock_.monotonic_ns();
      int64_t until = now + longest_ns;
      if (due_ns > now)
        until = std::min(until, due_ns);
      for (const auto& [token, f] : flights_)
        if (f.due_ns != 0)
          until = std::min(until, f.due_ns);
      TROUPE_TRY(take(std::max<int64_t>((until - now + ms_in_ns - 1) / ms_in_ns, 0)));
    }
    return {};
  }

  status take(int64_t timeout_ms) {
    for (auto& answer : server_.answers(timeout_ms))
      TROUPE_TRY(on_answer(answer));
    const int64_t now = clock_.monotonic_ns();
    for (auto& [token, f] : flights_) {
      if (f.due_ns == 0 || f.due_ns > now)
        continue;
      f.due_ns = 0;
      ++report_.retries;
      server_.write(token, f.body);
    }
    return {};
  }

  status on_answer(const http::fetch_result& answer) {
    const auto at = flights_.find(answer.token);
    flight& f = at->second;
    if (answer.error.ok()) {
      report_.acked_samples += f.samples;
      ++report_.requests;
      report_.body_bytes += f.body.size();
      report_.answer_times.add(answer.duration_ns);
      return finish(at, outcome::acked);
    }
    if (report_.first_error.empty())
      report_.first_error = answer.error.message();
    const bool in_part = answer.code / 100 == 2 && answer.error.code() == errc::invalid_argument;
    if ((answer.code / 100 == 4 && answer.code != 429) || in_part) {
      report_.failed_samples += f.samples;
      return finish(at, outcome::refused);
    }
    const int64_t now = clock_.monotonic_ns();
    if (f.first_failure_ns == 0)
      f.first_failure_ns = now;
    if (now - f.first_failure_ns >= options_.retry_ms * ms_in_ns) {
      report_.failed_samples += f.samples;
      return finish(at, outcome::unknown);
    }
    f.due_ns = now + f.backoff_ns;
    f.backoff_ns = std::min(2 * f.backoff_ns, longest_backoff_ns);
    return {};
  }

  status finish(std::unordered_map<uint64_t, flight>::iterator at, outcome what) {
    const uint64_t group = at->second.group;
    const size_t chunk = at->second.chunk;
    busy_[chunk] = false;
    flights_.erase(at);
    return book_.note(group, chunk, what);
  }

  const ledger_header header_;
  const write_load_options options_;
  client::api_client& server_;
  ledger_book& book_;
  const clock& clock_;
  client::progress& shown_;
  group_encoder encoder_;
  std::vector<bool> busy_;  ///< by chunk
  std::unordered_map<uint64_t, flight> flights_;
  uint64_t next_token_ = 0;
  write_report report_;
};

}  // namespace

result<write_report> run_write_load(const profile_ptr& shape, const write_load_options& options,
                                    client::api_client& server, ledger_book& book, const clock& clk,
                                    client::progress& shown) {
  return sender(shape, options, server, book, clk, shown).run();
}

}  // namespace troupe::bench
