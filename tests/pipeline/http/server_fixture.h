// A server on a free port with an echoing handler, for tests.
#pragma once

#include "pipeline/http/server.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/stats.h"
#include "tests/pipeline/http/raw_socket.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::http::test {

class server_fixture : public ::testing::Test {
 protected:
  /// Answers "METHOD path name=value,… body", or what the path asks for.
  void echo(request&& r, responder respond) {
    response a;
    a.route = "/echo";
    if (r.path == "/hold") {
      std::lock_guard guard(lock_);
      held_.push_back(respond);
      gone_.push_back(r.gone);
      return;
    }
    if (r.path == "/drop")
      return;
    if (r.path == "/large") {
      a.body = std::string(static_cast<size_t>(std::stoul(std::string(*r.param("n")))), 'l');
      return respond(std::move(a));
    }
    if (r.path == "/stream") {
      a.body = "first,";
      a.stream = [n = 0](std::string& out) mutable {
        out += std::to_string(n) + ",";
        return ++n < 1000;
      };
      return respond(std::move(a));
    }
    a.body = r.method + " " + r.path;
    for (const auto& [name, value] : r.query)
      a.body += " " + name + "=" + value;
    if (!r.body.empty())
      a.body += " [" + (r.body.size() > 100 ? std::to_string(r.body.size()) : r.body) + "]";
    respond(std::move(a));
  }

  /// Starts with `o`; on a free port of 127.0.0.1 unless it names one.
  void start(server_options o = {}) {
    o.listen = {"127.0.0.1:0"};
    status s = try_start(std::move(o));
    ASSERT_TRUE(s.ok()) << s.to_string();
  }
  status try_start(server_options o) {
    server_ = std::make_unique<server>(
        std::move(o),
        [this](request&& r, responder respond) { echo(std::move(r), std::move(respond)); }, *files_,
        clock_, stats_);
    return server_->start();
  }
  raw_socket connect(int receive_buffer = 0) {
    return raw_socket::connect(server_->addresses().at(0), receive_buffer);
  }
  /// One request on a connection of its own.
  std::string ask(const std::string& text) {
    raw_socket s = connect();
    s.send(text);
    return s.read_response();
  }
  std::string get(const std::string& target, const std::string& more = "") {
    return ask("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n");
  }
  static std::string status_line(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
  }
  static std::string body_of(const std::string& answer) {
    size_t at = answer.find("\r\n\r\n");
    return at == answer.npos ? "" : answer.substr(at + 4);
  }
  size_t held() {
    std::lock_guard guard(lock_);
    return held_.size();
  }
  void TearDown() override {
    if (server_)
      server_->drain(0);
  }

  system_clock clock_;
  registry stats_;
  std::unique_ptr<file_system> files_ = make_posix_file_system();
  std::mutex lock_;
  std::vector<responder> held_;
  std::vector<std::shared_ptr<const std::atomic<bool>>> gone_;
  std::unique_ptr<server> server_;
};

}  // namespace troupe::http::test
