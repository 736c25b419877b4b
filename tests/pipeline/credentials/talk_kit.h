// Holds the talk with a source of grants by hand: no network, a clock at a fixed time.
#pragma once

#include "pipeline/credentials/grants.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/url.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace troupe::credentials {

class TalkTest : public testing::Test {
 protected:
  static constexpr int64_t now_ms = 1'440'938'160'000;  // 2015-08-30T12:36:00Z

  surroundings around() {
    return {[this](const std::string& name) { return variables[name]; }, &files};
  }
  /// Begins a talk; the request it leads to, or none with `why`.
  http::transfer_spec begin(const http::grant_source_ptr& from) {
    return take(from->begin(now_ms));
  }
  http::transfer_spec answer(int code, const std::string& body) {
    http::fetch_result r;
    r.code = code;
    r.body = body;
    const auto then = std::exchange(then_, nullptr);
    if (!then) {
      ADD_FAILURE() << "nothing was asked: " << why.to_string();
      return {};
    }
    return take(then(r, now_ms));
  }
  /// The headers by which the grant authorises a request.
  http::headers authorized() {
    if (!given) {
      ADD_FAILURE() << "no grant: " << why.to_string();
      return {};
    }
    const auto settings = http::make_client_settings({}, {});
    http::fetch_request r;
    r.method = "POST";
    r.body = "body";
    r.to = *http::make_endpoint("https://receiver.example/api/v1/write", *settings, {});
    return given->authorize(r, now_ms);
  }
  static std::string header_of(const http::headers& all, std::string_view name) {
    return std::string(http::find_header(all, name));
  }
  static std::string line_of(const http::transfer_spec& s, const std::string& name) {
    for (const auto& line : s.header_lines)
      if (line.starts_with(name + ": "))
        return line.substr(name.size() + 2);
    return "";
  }
  static std::map<std::string, std::string> form_of(const http::transfer_spec& s) {
    const auto form = http::parse_form(s.body);
    return form.ok() ? std::map<std::string, std::string>(form->begin(), form->end())
                     : std::map<std::string, std::string>();
  }

  std::map<std::string, std::string> variables{{"HOME", "/h"}};
  support::sim_file_system files{1};
  std::optional<http::grant> given;
  status why;

 private:
  http::transfer_spec take(result<http::grant_step> step) {
    why = step.error();
    given.reset();
    if (!step)
      return {};
    if (auto* next = std::get_if<http::question>(&*step)) {
      then_ = next->then;
      return next->ask;
    }
    given = std::get<http::grant>(*step);
    return {};
  }
  decltype(http::question::then) then_;
};

}  // namespace troupe::credentials
