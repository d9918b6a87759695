#include "server/message/messages.hpp"

namespace beckon::server::message {

Serves Messages::serves() const { return {.methods = {sip::Method::message}, .accepts = {"text/plain"}}; }

void Messages::on_request(const RequestPtr& request) {
  proxy_.deliver(request, [this](const RequestPtr& asked, proxy::Proxy::Unreachable why) {
    proxy::answer_unreachable(answers_, asked, why);
  });
}

}  // namespace beckon::server::message
