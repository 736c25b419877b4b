// The recording as a part of the binary, so that `troupe bench` needs no file.
    .section .rodata
    .global troupe_recording_begin
    .global troupe_recording_end
troupe_recording_begin:
    .incbin TROUPE_RECORDING_FILE
troupe_recording_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
