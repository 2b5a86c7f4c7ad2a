/* Interfaces: SIOCGIF*, if_nameindex, getifaddrs; FIONREAD, FIONBIO, FIOCLEX, SIOCATMARK of sockets. */
#include "net.h"
#include <ifaddrs.h>
#include <net/if.h>
int main(void) {
    struct ifreq r = {0};
    int n, s = MUST(socket(AF_INET, SOCK_STREAM, 0));
    strcpy(r.ifr_name, "lo");
    CALL(ioctl(s, SIOCGIFINDEX, &r));
    CALL(r.ifr_ifindex);
    CALL(ioctl(s, SIOCGIFADDR, &r));
    CALL(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CALL(ioctl(s, SIOCGIFNETMASK, &r));
    CALL(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr == htonl(0xff000000));
    CALL(ioctl(s, SIOCGIFMTU, &r));
    CALL(r.ifr_mtu);
    CALL(ioctl(s, SIOCGIFHWADDR, &r));
    CALL(r.ifr_hwaddr.sa_family);
    CALL(ioctl(s, SIOCGIFFLAGS, &r));
    CALL((r.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) == (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
    r.ifr_ifindex = 1;
    CALL(ioctl(s, SIOCGIFNAME, &r));
    CALL(strcmp(r.ifr_name, "lo"));
    strcpy(r.ifr_name, "nosuch0");
    CALL(ioctl(s, SIOCGIFINDEX, &r));
    CALL(ioctl(s, SIOCGIFADDR, (void *)8));
    CALL(if_nametoindex("lo"));
    struct ifaddrs *all;
    CALL(getifaddrs(&all));
    int four = 0, six = 0;
    for (struct ifaddrs *i = all; i; i = i->ifa_next)
        if (!strcmp(i->ifa_name, "lo") && i->ifa_addr) {
            four += i->ifa_addr->sa_family == AF_INET && ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
            six += i->ifa_addr->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr);
        }
    YES(four == 1 && six <= 1);
    CALL(ioctl(s, FIONBIO, &(int){1}));
    CALL((fcntl(s, F_GETFL) & O_NONBLOCK) != 0);
    CALL(ioctl(s, FIOCLEX));
    CALL(fcntl(s, F_GETFD));
    CALL(ioctl(s, 0x8999, &n));
    CALL(listen(s, 1));
    CALL(ioctl(s, FIONREAD, &n));
    return 0;
}
