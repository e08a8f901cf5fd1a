port_table_SRCS := port_table/main.c port_table/common.c port_table/rules.c \
                   port_table/model.c port_table/explore.c port_table/race.c \
                   ../../hypervisor/event/port_table.c
port_table_LIBS := -lpthread
