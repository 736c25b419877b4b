// A Prometheus-like server in memory for tests: takes remote writes and OTLP, answers raw range
// selectors, and misbehaves as told.
#pragma once

#include "pipeline/client/api_client.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/server.h"
#include "pipeline/otlp/translator.h"
#include "pipeline/remote/write_codec.h"
#include "pipeline/remote/write_protocol.h"
#include "storage/base/stats.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace troupe::bench {

class memory_server : public ::testing::Test {
 protected:
  void SetUp() override {
    http::server_options o;
    o.listen = {"127.0.0.1:0"};
    server_ = std::make_unique<http::server>(
        std::move(o), [this](http::request&& r, http::responder respond) { respond(answer(r)); },
        *files_, clock_, stats_);
    ASSERT_TRUE(server_->start().ok());
    connect(config::load_protocol::write_v1);
  }
  void connect(config::load_protocol protocol, const std::string& path = "") {
    auto c = client::api_client::create("http://" + server_->addresses()[0] + "/", {}, *files_,
                                        clock_, 20'000, {protocol, path});
    ASSERT_TRUE(c.ok()) << c.error().to_string();
    client_ = std::move(*c);
  }
  void TearDown() override {
    client_.reset();
    server_->drain(0);
  }

  http::response answer(const http::request& r) {
    std::lock_guard guard(lock_);
    if (r.path == "/api/v1/write")
      return take(r, false);
    if (r.path == "/api/v1/otlp/v1/metrics" || r.path == "/elsewhere")
      return take(r, true);
    if (r.path == "/api/v1/query")
      return select(r);
    return {404};
  }

  http::response take(const http::request& r, bool is_otlp) {
    ++writes_;
    paths_.insert(std::string(r.path));
    if (const auto at = say_.find(writes_); at != say_.end()) {
      if (at->second == 200)
        return {200, "application/x-protobuf", {}, otlp::protobuf_response(3, "three of them")};
      return {at->second, "text/plain", {}, "as told"};
    }
    auto raw = http::bounded_decoder(std::make_shared<http::byte_budget>(1 << 30))
                   .decode(is_otlp ? http::encoding::gzip : http::encoding::snappy, r.body);
    if (!raw.ok())
      return {400};
    const bool v2 = http::find_header(r.header_fields, "Content-Type") ==
                    content_type(remote::write_protocol::v2);
    auto got = is_otlp ? otlp::decode_protobuf(raw->data, {}, known_)
               : v2    ? remote::decode_write_v2(raw->data, known_)
                       : remote::decode_write(raw->data, known_);
    if (!got.ok() || got->refused_series.count > 0)
      return {400};
    for (const auto& b : got->batches)
      store(*b);
    v2_writes_ += v2 ? 1 : 0;
    return {is_otlp ? 200 : 204};
  }

  void store(const write_batch& batch) {
    const auto& table = batch.table->series;
    for (const auto& f : batch.floats) {
      auto& s = stored_[table[f.series].to_string()];
      s.series = table[f.series];
      // In order, as Prometheus wants it; the same sample again is fine.
      if (!s.floats.empty() && f.ts < s.floats.rbegin()->first)
        ++out_of_order_;
      s.floats[f.ts] = f.value;
    }
    for (const auto& h : batch.histograms) {
      auto& s = stored_[table[h.series].to_string()];
      s.series = table[h.series];
      s.histograms[h.ts] = h.value;
    }
  }

  // {job="…",instance="…"}[Nms] at a time in seconds.
  http::response select(const http::request& r) {
    const std::string query(*r.param("query"));
    const auto text_after = [&](std::string_view mark, char end) {
      const auto at = query.find(mark) + mark.size();
      return query.substr(at, query.find(end, at) - at);
    };
    const auto end = std::llround(std::stod(std::string(*r.param("time"))) * 1000);
    const auto begin = end - std::stoll(text_after("[", 'm'));
    const auto instance = text_after("instance=\"", '"');
    std::string out;
    for (const auto& [name, s] : stored_) {
      if (s.series.get("instance") != instance)
        continue;
      std::string values, histograms;
      for (const auto& [ts, v] : s.floats)
        if (ts > begin && ts <= end)
          values += fmt::format("{}[{}.{:03},\"{}\"]", values.empty() ? "" : ",", ts / 1000,
                                ts % 1000, v);
      for (const auto& [ts, h] : s.histograms)
        if (ts > begin && ts <= end)
          histograms +=
              fmt::format("{}[{}.{:03},{{\"count\":\"{}\",\"sum\":\"{}\"}}]",
                          histograms.empty() ? "" : ",", ts / 1000, ts % 1000, h->count, h->sum);
      std::string metric;
      for (const auto& l : s.series)
        metric += fmt::format("{}\"{}\":\"{}\"", metric.empty() ? "" : ",", l.name, l.value);
      out += fmt::format("{}{{\"metric\":{{{}}}", out.empty() ? "" : ",", metric);
      if (!values.empty())
        out += ",\"values\":[" + values + "]";
      if (!histograms.empty())
        out += ",\"histograms\":[" + histograms + "]";
      out += "}";
    }
    return {
        200,
        "application/json",
        {},
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" + out + "]}}"};
  }

  struct stored {
    labels series;
    std::map<timestamp_ms, double> floats;
    std::map<timestamp_ms, histogram_ptr> histograms;
  };

  system_clock clock_;
  remote::series_cache known_{{}, clock_};
  registry stats_;
  std::unique_ptr<file_system> files_ = make_posix_file_system();
  std::mutex lock_;
  std::map<std::string, stored> stored_;
  std::set<std::string> paths_;  ///< of writes
  std::map<uint64_t, int> say_;  ///< the nth write is answered with a status and not taken
  uint64_t writes_ = 0, v2_writes_ = 0, out_of_order_ = 0;
  std::unique_ptr<http::server> server_;
  std::unique_ptr<client::api_client> client_;
};

}  // namespace troupe::bench
