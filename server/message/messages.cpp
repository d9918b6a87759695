#include "server/message/messages.hpp"

namespace beckon::server::message {

bool Messages::handles(sip::Method method, std::string_view) const { return method == sip::Method::message; }

void Messages::on_request(const RequestPtr& request) {
  proxy_.deliver(request, [this](const RequestPtr& asked, proxy::Proxy::Unreachable why) {
    proxy::answer_unreachable(services_, asked, why);
  });
}

}  // namespace beckon::server::message
