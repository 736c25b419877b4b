#include "pipeline/credentials/grants.h"

namespace troupe::credentials {

result<http::grant_source_ptr> grants_of(const config::remote_write_config& c,
                                         const surroundings& from) {
  if (c.sigv4)
    return aws_grants(*c.sigv4, from);
  if (c.azuread)
    return azure_grants(*c.azuread, from);
  if (c.google_iam)
    return google_grants(*c.google_iam, from);
  return http::grant_source_ptr();
}

}  // namespace troupe::credentials
