// A node over HTTP.
#pragma once

#include "pipeline/client/api_client.h"
#include "pipeline/drill/node_link.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::drill {

class http_link final : public node_link {
 public:
  /// `url` is the node's root.
  static result<std::unique_ptr<http_link>> make(const std::string& url,
                                                 const config::http_client_config& client,
                                                 file_system& fs, const clock& clk);

  const std::string& url() const override { return url_; }
  void get(uint64_t token, std::string_view path) override { to_->get(token, path); }
  void post(uint64_t token, std::string_view path, const http::params& form) override {
    to_->post(token, path, form);
  }
  void write(uint64_t token, std::string body) override { to_->write(token, std::move(body)); }
  std::vector<reply> take() override;

 private:
  http_link(std::string url, std::unique_ptr<client::api_client> to);

  const std::string url_;
  const std::unique_ptr<client::api_client> to_;
};

}  // namespace troupe::drill
