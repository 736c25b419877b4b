#include "tests/pipeline/federate/federation_kit.h"

#include "pipeline/remote/write_protocol.h"

namespace troupe::federate {

FederationTest::FederationTest() {
  request.subscription = "east-1";
  request.selectors = {"{job=\"j\"}"};
  request.keep_bytes = 1 << 30;
  request.wait_ms = 10'000;
}

void FederationTest::start() {
  ASSERT_TRUE(log.start().ok());
  door = std::make_unique<storage::wal_door>(*log.dir);
  source_environment env;
  env.feeds = {door.get(), source_id, limits};
  env.metrics = metrics.get();
  env.described = [this] { return described; };
  env.readable = [this] { return readable; };
  from = std::make_unique<source>(std::move(env));
  from->set_external_labels(external_labels);
}

void FederationTest::kill() {
  from.reset();
  answered.reset();
  door.reset();
  log.writer.reset();
  log.fs.kill();
}

void FederationTest::ask() {
  answered.reset();
  from->ask(
      request, nullptr, [this](stream_answer a) { answered = std::move(a); }, log.clk.now_ms(),
      log.clk.monotonic_ns());
}

void FederationTest::pass(int64_t ms) {
  for (int64_t t = 0; t < ms; t += 100) {
    log.clk.advance_ms(100);
    from->step(log.clk.now_ms(), log.clk.monotonic_ns());
  }
}

void FederationTest::take() {
  ASSERT_TRUE(answered && answered->error.ok());
  request.cursor = answered->cursor;
  if (!answered->body.empty()) {
    http::fetch_request r;
    r.header_fields = {
        {"Content-Type", std::string(remote::content_type(remote::write_protocol::v2))}};
    r.body = std::exchange(answered->body, {});
    got.take(r);
  }
  told.push_back(std::move(*answered));
  answered.reset();
}

void FederationTest::receive(int64_t ms) {
  for (int64_t t = 0; t < ms; t += 100) {
    if (!from->is_asked())
      ask();
    pass(100);
    if (answered)
      take();
  }
}

double FederationTest::metric(const std::string& name) {
  const std::string text = metrics->render();
  const size_t at = text.find("\ntroupe_federation_" + name);
  if (at == std::string::npos)
    return 0;
  const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  return std::stod(line.substr(line.rfind(' ')));
}

std::map<send::sample_key, double> FederationTest::written_of(const std::string& target) const {
  auto out = written;
  std::erase_if(out, [&](const auto& v) {
    return v.first.first.find("instance=\"" + target + "\"") == std::string::npos;
  });
  return out;
}

}  // namespace troupe::federate
