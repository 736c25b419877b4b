#include "tests/pipeline/send/send_kit.h"

#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/endpoint.h"
#include "storage/base/hash.h"
#include "storage/wal/checkpoint.h"

#include <algorithm>

namespace troupe::send {
namespace {

class drop_all final : public storage::checkpoint_filter {
 public:
  bool keep_sample(const storage::wal_series&, timestamp_ms) override { return false; }
  bool keep_exemplar(const storage::wal_series&, timestamp_ms) override { return false; }
  bool keep_tombstone(std::string_view, const storage::tombstone_entry&) override { return false; }
  bool keep_metadata(std::string_view, const metadata_entry&) override { return false; }
};

remote::decoded_write decode(const http::fetch_request& r, const clock& clk) {
  http::bounded_decoder decoder(std::make_shared<http::byte_budget>(1 << 30));
  auto raw = decoder.decode(http::encoding::snappy, r.body);
  EXPECT_TRUE(raw.ok());
  remote::series_cache known({}, clk);
  const auto type = http::find_header(r.header_fields, "Content-Type");
  auto out = type.find("v2") != std::string_view::npos ? remote::decode_write_v2(raw->data, known)
                                                       : remote::decode_write(raw->data, known);
  EXPECT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->refused_count(), 0u);
  return out.ok() ? std::move(*out) : remote::decoded_write();
}

}  // namespace

void receiver::take(const http::fetch_request& r) {
  for (const auto& b : decode(r, clk_).batches) {
    for (const auto& f : b->floats) {
      const sample_key key{b->table->series[f.series].to_string(), f.ts};
      values[key] = f.value;
      ++times[key];
      order.push_back(key);
    }
    for (const auto& h : b->histograms)
      histograms.insert(b->table->series[h.series].to_string() + " @" + std::to_string(h.ts) + " " +
                        std::to_string(h.value->count));
    for (const auto& e : b->exemplars)
      exemplars.insert(b->table->series[e.series].to_string() + " " + e.value.lset.to_string());
    for (const auto& m : b->metadata)
      families[m.family] = m.value;
  }
}

size_t receiver::doubled() const {
  size_t n = 0;
  for (const auto& [key, count] : times)
    n += static_cast<size_t>(count - 1);
  return n;
}

size_t entries_in(const http::fetch_request& r) {
  const manual_clock clk;
  size_t n = 0;
  for (const auto& b : decode(r, clk).batches)
    n += b->sample_count() + b->exemplars.size();
  return n;
}

SendTest::SendTest() {
  config::remote_write_config c;
  c.url = "http://receiver/api/v1/write";
  c.queue.max_samples_per_send = 10;
  c.queue.batch_send_deadline_ms = 1000;
  c.metadata.send = false;
  conf.remote_write = {c};
  options.log_limit_bytes = 1 << 30;
}

void SendTest::start() {
  ASSERT_TRUE(log.start().ok());
  door = std::make_unique<storage::wal_door>(*log.dir);
  writer_environment env;
  env.log = door.get();
  env.files = &log.fs;
  env.metrics = metrics.get();
  env.memory = memory.get();
  env.endpoints.settings = [](const config::http_client_config& c) {
    return http::make_client_settings(c, {});
  };
  env.endpoints.endpoint = [](std::string_view url, discover::client_settings_ptr s,
                              http::headers h) {
    return http::make_endpoint(url, std::move(s), std::move(h));
  };
  env.described = [this] { return described; };
  env.environment = [](const std::string&) { return std::string(); };
  env.folder = "data/remote_write";
  writer = std::make_unique<remote_writer>(options, env);
  apply();
}

void SendTest::kill() {
  writer.reset();
  wire.clear();
  door.reset();
  log.writer.reset();
  log.fs.kill();
}

void SendTest::write(size_t rows, const std::string& target, size_t series) {
  std::vector<labels> all;
  for (size_t i = 0; i < series; ++i)
    all.push_back(
        labels::from({{"__name__", "m" + std::to_string(i)}, {"instance", target}, {"job", "j"}}));
  const auto table = storage::table_of(all);
  auto& ts = last.try_emplace(target, log.clk.now_ms() - 1000).first->second;
  for (size_t r = 0; r < rows; ++r) {
    ts = std::max(ts + 1000, log.clk.now_ms());
    std::vector<double> values;
    for (size_t i = 0; i < series; ++i) {
      values.push_back(static_cast<double>(written.size()));
      written[{all[i].to_string(), ts}] = values.back();
    }
    ASSERT_TRUE(log.writer->append(storage::simple_batch(table, ts, values, xxh3(target))).ok());
    ASSERT_TRUE(log.writer->commit().ok());
  }
}

void SendTest::pass(int64_t ms) {
  for (int64_t t = 0; t < ms; t += 100) {
    log.clk.advance_ms(100);
    for (auto& r : writer->step(log.clk.now_ms(), log.clk.monotonic_ns()))
      wire.push_back(std::move(r));
  }
}

void SendTest::answer_one(size_t index, int code, http::headers fields) {
  const auto r = std::move(wire[index]);
  wire.erase(wire.begin() + static_cast<ptrdiff_t>(index));
  http::fetch_result result;
  result.token = r.token;
  result.code = code;
  result.header_fields = std::move(fields);
  if (code == 0)
    result.error = {errc::io_error, "connection refused"};
  if (code / 100 == 2) {
    got.take(r);
    const auto n = std::to_string(entries_in(r));
    result.header_fields.push_back({"X-Prometheus-Remote-Write-Samples-Written", n});
    result.header_fields.push_back({"X-Prometheus-Remote-Write-Histograms-Written", n});
    result.header_fields.push_back({"X-Prometheus-Remote-Write-Exemplars-Written", n});
  }
  writer->on_result(result, log.clk.now_ms(), log.clk.monotonic_ns());
  for (auto& more : writer->step(log.clk.now_ms(), log.clk.monotonic_ns()))
    wire.push_back(std::move(more));
}

void SendTest::answer(int code, http::headers fields) {
  while (!wire.empty())
    answer_one(0, code, fields);
}

void SendTest::deliver(int64_t ms) {
  for (int64_t t = 0; t < ms; t += 100) {
    pass(100);
    answer(204);
  }
}

void SendTest::condense() {
  ASSERT_TRUE(log.writer->cut().ok());
  drop_all filter;
  auto job = storage::checkpoint_writer::open(*log.dir, 0, log.writer->current_segment(), filter);
  ASSERT_TRUE(job.ok());
  ASSERT_TRUE(*(*job)->step(1 << 30));
  ASSERT_TRUE(log.dir->collect().ok());
}

double SendTest::metric(const std::string& name, const std::string& reason) {
  const std::string text = metrics->render();
  double sum = 0;
  size_t at = 0;
  while ((at = text.find("\ntroupe_remote_storage_" + name + "{", at)) != std::string::npos) {
    ++at;
    const std::string line = text.substr(at, text.find('\n', at) - at);
    if (reason.empty() || line.find("reason=\"" + reason + "\"") != std::string::npos)
      sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

size_t SendTest::in_flight() const {
  size_t n = 0;
  for (const auto& r : wire)
    n += entries_in(r);
  return n;
}

}  // namespace troupe::send
