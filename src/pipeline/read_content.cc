#include "pipeline/read_content.h"

#include <algorithm>

#include "http/request_content.h"

namespace vg::pipeline {

coro::Task<Result<void>> read_content(Context& ctx, std::string* text) {
  text->reserve(std::min<uint64_t>(ctx.body.length().value_or(0), 64 * 1024));
  for (;;) {
    std::string_view piece;
    const http::StreamBody::State state = ctx.body.peek(&piece);
    if (state == http::StreamBody::State::kEnd) co_return Result<void>();
    if (state == http::StreamBody::State::kData) {
      text->append(piece);
      ctx.body.consume();
    } else if (state == http::StreamBody::State::kWait) {
      ctx.want_body();
      net::DeadlineSource patience(ctx.loop, ctx.loop->now() + ctx.body_timeout, &ctx.cancel);
      co_await ctx.body.wait(&patience);
    } else {
      co_return http::content_error(ctx.body.error());
    }
  }
}

}  // namespace vg::pipeline
