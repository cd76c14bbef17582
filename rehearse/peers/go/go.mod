module lastcall/peer

go 1.24
