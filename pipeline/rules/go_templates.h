// Templates of alerts by the template language of pipeline/template. Immutable, any thread.
#pragma once

#include "pipeline/rules/expander.h"
#include "pipeline/template/environment.h"

#include <string>
#include <string_view>

namespace troupe::rules {

class go_templates final : public template_expander {
 public:
  /// What the functions externalURL and pathPrefix give.
  explicit go_templates(std::string external_url = {}, std::string path_prefix = {})
      : external_url_(std::move(external_url)), path_prefix_(std::move(path_prefix)) {}

  result<std::string> expand(std::string_view text, const template_scope& scope,
                             query_door& queries) const override;
  status check(std::string_view text, std::string_view alert) const override;

 private:
  const std::string external_url_;
  const std::string path_prefix_;
};

}  // namespace troupe::rules
