// Sources of grants for what is configured: AWS (Signature Version 4), Microsoft Entra ID, Google
// Cloud. They look for keys and tokens anew whenever they are asked.
#pragma once

#include "config/remote_config.h"
#include "pipeline/credentials/surroundings.h"
#include "pipeline/http/grant.h"

namespace troupe::credentials {

/// Signs requests with a key of the block, the environment, the shared files, or of a web identity;
/// with `role_arn` the role's.
http::grant_source_ptr aws_grants(const config::sigv4_config& c, const surroundings& from);
/// Tokens of Microsoft Entra ID by the one way that `c` has. invalid_argument for an unknown cloud.
result<http::grant_source_ptr> azure_grants(const config::azuread_config& c,
                                            const surroundings& from);
/// Tokens of Google Cloud of the credentials file, else of where Google's own clients look.
http::grant_source_ptr google_grants(const config::google_iam_config& c, const surroundings& from);
/// That of whichever of these blocks is there; null without one.
result<http::grant_source_ptr> grants_of(const config::remote_write_config& c,
                                         const surroundings& from);

}  // namespace troupe::credentials
