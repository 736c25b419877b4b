// What a fetch costs apart from the socket: reading a response, expanding its body, the idle pool,
// deadlines.
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/connection_pool.h"
#include "pipeline/http/deadline_wheel.h"
#include "pipeline/http/gzip_encoder.h"
#include "pipeline/http/io_loop.h"
#include "pipeline/http/message_reader.h"
#include "tests/pipeline/scrape/exporter_body.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace troupe::http {
namespace {

std::string exporter_text() {
  scrape::exporter_size n;
  n.cpus = 32;
  n.gauges = 100;
  return scrape::exporter_body(1000, n);
}

void response_read(benchmark::State& state) {
  const std::string body(static_cast<size_t>(state.range(0)), 'x');
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  const auto budget = std::make_shared<byte_budget>(256 << 20);
  response_reader r;
  for (auto _ : state) {
    r.start({}, budget, false, false);
    std::string_view rest = answer;
    while (!r.done()) {
      auto used = r.feed(rest);
      if (!used.ok())
        std::abort();
      rest.remove_prefix(*used);
    }
    benchmark::DoNotOptimize(r.body.take_data());
  }
}
BENCHMARK(response_read)->Arg(900)->Arg(30'000);

void gzip_decode(benchmark::State& state) {
  const auto text = exporter_text();
  std::string packed;
  gzip_stream().write(text, true, packed);
  const bounded_decoder decoder(std::make_shared<byte_budget>(256 << 20));
  for (auto _ : state) {
    auto got = decoder.decode(encoding::gzip, packed);
    if (!got.ok() || got->data.size() != text.size())
      std::abort();
    benchmark::DoNotOptimize(got->data);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(gzip_decode);

/// One idle connection out and back, each due an interval after its last use.
void idle_pool(benchmark::State& state) {
  const auto n = static_cast<uint64_t>(state.range(0));
  io_loop loop;
  buffer_pool buffers;
  connection_pool pool(n);
  int64_t now = 0;
  const auto put = [&](std::unique_ptr<client_connection> c) {
    ++now;
    pool.put(std::move(c), now + 15'000, now);
  };
  for (uint64_t key = 0; key < n; ++key)
    put(std::make_unique<client_connection>(loop, buffers, key));
  uint64_t key = 0;
  for (auto _ : state) {
    put(pool.take(key++ % n));
  }
}
BENCHMARK(idle_pool)->Arg(1'000)->Arg(15'000);

void deadline_set_and_remove(benchmark::State& state) {
  deadline_wheel wheel(40'000'000);
  deadline_wheel::entry e;
  int64_t now = 0;
  for (auto _ : state) {
    wheel.set(e, (now += 1'000) + 10'000'000'000);
    wheel.remove(e);
  }
}
BENCHMARK(deadline_set_and_remove);

}  // namespace
}  // namespace troupe::http

BENCHMARK_MAIN();
