#include "textflag.h"

// ARGUMENTS are those that all functions have; RESULT is that of the scans: the marks in R9, and in bit 8 what was tested last.
#define ARGUMENTS \
	MOVQ text+0(FP), SI; \
	MOVQ blocks+8(FP), CX; \
	MOVQ t+16(FP), DI
#define RESULT \
	SETNE AX; \
	MOVBQZX AX, AX; \
	SHLQ $8, AX; \
	ANDQ $0xff, R9; \
	ORQ AX, R9; \
	MOVQ R9, ret+32(FP); \
	VZEROUPPER; \
	RET

// Tables of three places, of low and of high halves, in Y0 to Y5; of two halves in Y0 and Y1. NIBBLES is the mask of low halves, in Y6.
#define TWO_TABLES \
	VBROADCASTI128 (DI), Y0; \
	VBROADCASTI128 16(DI), Y1
#define TABLES \
	TWO_TABLES; \
	VBROADCASTI128 32(DI), Y2; \
	VBROADCASTI128 48(DI), Y3; \
	VBROADCASTI128 64(DI), Y4; \
	VBROADCASTI128 80(DI), Y5
#define NIBBLES \
	MOVL $0x0f0f0f0f, AX; \
	VMOVD AX, X6; \
	VPBROADCASTD X6, Y6

// HALVES is what the tables low and high both have for each of some bytes.
#define HALVES(bytes, low, high, out) \
	VPAND Y6, bytes, Y11; \
	VPSRLW $4, bytes, Y12; \
	VPAND Y6, Y12, Y12; \
	VPSHUFB Y11, low, Y11; \
	VPSHUFB Y12, high, Y12; \
	VPAND Y11, Y12, out

// FITS is which windows fit at 32 places from SI on, in Y13; Y8 is the bytes there.
#define FITS \
	VMOVDQU (SI), Y8; \
	VMOVDQU 1(SI), Y9; \
	VMOVDQU 2(SI), Y10; \
	HALVES(Y8, Y0, Y1, Y13); \
	HALVES(Y9, Y2, Y3, Y9); \
	VPAND Y9, Y13, Y13; \
	HALVES(Y10, Y4, Y5, Y10); \
	VPAND Y10, Y13, Y13

// The same for 64 places of ASCII: tables of whole bytes in Z0 to Z5, and which windows fit in a, where its bytes were put before.
#define TABLES512 \
	VMOVDQU64 (DI), Z0; \
	VMOVDQU64 64(DI), Z1; \
	VMOVDQU64 128(DI), Z2; \
	VMOVDQU64 192(DI), Z3; \
	VMOVDQU64 256(DI), Z4; \
	VMOVDQU64 320(DI), Z5
#define FITS512(at, a, b, c) \
	VMOVDQU64 at+1(SI), b; \
	VMOVDQU64 at+2(SI), c; \
	VPERMI2B Z1, Z0, a; \
	VPERMI2B Z3, Z2, b; \
	VPERMI2B Z5, Z4, c; \
	VPTERNLOGQ $0x80, c, b, a

// FOLD puts all bytes of AX together in its lowest.
#define FOLD \
	MOVQ AX, BX; \
	SHRQ $32, BX; \
	ORQ BX, AX; \
	MOVQ AX, BX; \
	SHRQ $16, BX; \
	ORQ BX, AX; \
	MOVQ AX, BX; \
	SHRQ $8, BX; \
	ORQ BX, AX

// func scan(text unsafe.Pointer, blocks int, t *[6][16]byte, marks *uint64) uint64
// Looks at 32 places at a time: a bit is set where a place's byte, the one after it and the one after that have that bit in the tables of low and of high
// halves. Four blocks together set the low byte of an entry of marks; all together are the result, and its bit 8 is whether a byte is beyond ASCII.
TEXT ·scan(SB), NOSPLIT, $0-40
	ARGUMENTS
	MOVQ marks+24(FP), R8
	TABLES
	NIBBLES
	VPXOR Y14, Y14, Y14
	XORQ R9, R9

group:
	VPXOR Y7, Y7, Y7
	MOVQ $4, DX
	CMPQ CX, DX
	CMOVQLT CX, DX
	SUBQ DX, CX

loop:
	FITS
	VPOR Y8, Y14, Y14
	VPOR Y13, Y7, Y7
	ADDQ $32, SI
	DECQ DX
	JNZ loop

	VEXTRACTI128 $1, Y7, X8
	VPOR X8, X7, X7
	VPSRLDQ $8, X7, X8
	VPOR X8, X7, X7
	MOVQ X7, AX
	FOLD
	MOVB AX, (R8)
	ADDQ $8, R8
	ORQ AX, R9
	TESTQ CX, CX
	JNZ group

	VPMOVMSKB Y14, AX
	TESTL AX, AX
	RESULT

// func locate(text unsafe.Pointer, blocks int, t *[6][16]byte, windows uint64, places *[2]uint64)
// Adds to places those, 32 at a time, where one of the windows fits: as in scan. The windows' byte is repeated eight times.
TEXT ·locate(SB), NOSPLIT, $0-40
	ARGUMENTS
	MOVQ windows+24(FP), AX
	MOVQ places+32(FP), R8
	VMOVQ AX, X14
	VPBROADCASTQ X14, Y14
	NIBBLES
	VPXOR Y7, Y7, Y7
	TABLES

each:
	FITS
	VPAND Y14, Y13, Y13
	VPCMPEQB Y7, Y13, Y13
	VPMOVMSKB Y13, AX
	NOTL AX
	ORL AX, (R8)
	ADDQ $32, SI
	ADDQ $4, R8
	DECQ CX
	JNZ each
	VZEROUPPER
	RET

// func find(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
// Is the place of the first byte whose low half's entry has the bit of its high half, or, where high is set, that is beyond ASCII; blocks*32 where there is none.
TEXT ·find(SB), NOSPLIT, $0-40
	ARGUMENTS
	MOVQ high+24(FP), R8
	MOVQ SI, BX
	TWO_TABLES
	NIBBLES
	VPXOR Y7, Y7, Y7

next:
	VMOVDQU (SI), Y8
	HALVES(Y8, Y0, Y1, Y13)
	VPCMPEQB Y7, Y13, Y13
	VPMOVMSKB Y13, AX
	NOTL AX
	VPMOVMSKB Y8, DX
	ANDL R8, DX
	ORL DX, AX
	JNZ here
	ADDQ $32, SI
	DECQ CX
	JNZ next
	SUBQ BX, SI
	MOVQ SI, ret+32(FP)
	VZEROUPPER
	RET

here:
	BSFL AX, AX
	SUBQ BX, SI
	ADDQ AX, SI
	MOVQ SI, ret+32(FP)
	VZEROUPPER
	RET

// func clean(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
// Is the first of blocks of 32 bytes that has no byte of the tables, as in find; blocks where there is none.
TEXT ·clean(SB), NOSPLIT, $0-40
	ARGUMENTS
	MOVQ high+24(FP), AX
	MOVQ CX, BX
	TWO_TABLES
	VMOVQ AX, X14
	VPBROADCASTQ X14, Y14
	NIBBLES
	MOVL $0x80808080, AX
	VMOVD AX, X5
	VPBROADCASTD X5, Y5
	VPAND Y5, Y14, Y14

block:
	VMOVDQU (SI), Y8
	HALVES(Y8, Y0, Y1, Y13)
	VPAND Y14, Y8, Y11
	VPOR Y11, Y13, Y13
	VPTEST Y13, Y13
	JZ none
	ADDQ $32, SI
	DECQ CX
	JNZ block

none:
	SUBQ CX, BX
	MOVQ BX, ret+32(FP)
	VZEROUPPER
	RET

// func scanASCII(text unsafe.Pointer, blocks int, t *[3][128]byte, marks unsafe.Pointer) uint64
// Is scan for texts of ASCII: 64 places at a time, each byte looked up in a table of all 128.
TEXT ·scanASCII(SB), NOSPLIT, $0-40
	ARGUMENTS
	MOVQ marks+24(FP), R8
	TABLES512
	VPXORQ Z14, Z14, Z14
	XORQ R9, R9

pair:
	VMOVDQU64 (SI), Z8
	VPORQ Z8, Z14, Z14
	FITS512(0, Z8, Z9, Z10)
	SUBQ $2, CX
	JLE fold
	VMOVDQU64 64(SI), Z11
	VPORQ Z11, Z14, Z14
	FITS512(64, Z11, Z12, Z13)
	VPORQ Z11, Z8, Z8
	SUBQ $2, CX

fold:
	VEXTRACTI64X4 $1, Z8, Y9
	VPOR Y9, Y8, Y8
	VEXTRACTI128 $1, Y8, X9
	VPOR X9, X8, X8
	VPSRLDQ $8, X8, X9
	VPOR X9, X8, X8
	VMOVQ X8, AX
	FOLD
	MOVB AX, (R8)
	ORQ AX, R9
	ADDQ $8, R8
	ADDQ $128, SI
	TESTQ CX, CX
	JG pair

	VPMOVB2M Z14, K1
	KMOVQ K1, AX
	TESTQ AX, AX
	RESULT

// func locateASCII(text unsafe.Pointer, blocks int, t *[3][128]byte, windows uint64, places *[2]uint64)
// Is locate for texts of ASCII, as scanASCII is scan.
TEXT ·locateASCII(SB), NOSPLIT, $0-40
	ARGUMENTS
	MOVQ windows+24(FP), AX
	MOVQ places+32(FP), R8
	VPBROADCASTQ AX, Z14
	TABLES512

each:
	VMOVDQU64 (SI), Z8
	FITS512(0, Z8, Z9, Z10)
	VPTESTMB Z14, Z8, K1
	KMOVQ K1, AX
	ORQ AX, (R8)
	ADDQ $64, SI
	ADDQ $8, R8
	SUBQ $2, CX
	JG each
	VZEROUPPER
	RET
