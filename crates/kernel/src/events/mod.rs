//! Events: eventfd, timerfd, signalfd, epoll, poll and select.
