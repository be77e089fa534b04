namespace Tiebreak.Formats.Onnx;

/// <summary>How a floating-point number is stored.</summary>
enum FloatFormat
{
    Float16,
    BFloat16,
    Float32,
    Float64,
}
