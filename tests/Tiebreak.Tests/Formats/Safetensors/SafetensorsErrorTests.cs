using System.Text;
using Tiebreak.Formats.Safetensors;
using Tiebreak.Tests.House;
using Xunit;
using static Tiebreak.Tests.Formats.Safetensors.RawFile;

namespace Tiebreak.Tests.Formats.Safetensors;

/// <summary>Each rule of the format broken once: one line that names the file, the tensor and what to do.</summary>
public sealed class SafetensorsErrorTests
{
    static void Refused(byte[] content, params string[] parts)
    {
        using var folder = new TemporaryFolder();
        var path = In(folder, "model.safetensors", content);
        var error = Assert.Throws<TiebreakException>(() => SafetensorsFile.Open(path).Dispose());
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains("; ", error.Message, StringComparison.Ordinal); // the remedy
        foreach (var part in parts) Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    static void Refused(string entries, int data, params string[] parts) => Refused(Of("{" + entries + "}", data), parts);

    [Fact]
    public void Fewer_bytes_than_the_length_of_the_header() => Refused([2, 0, 0], "3 bytes are fewer than the 8");

    [Fact]
    public void A_header_longer_than_the_format_allows() => Refused(WithLength(100_000_001, "{}"u8.ToArray(), []), "a header of 100000001 bytes", "allows 100000000");

    [Fact]
    public void A_header_of_an_absurd_length() => Refused(WithLength(ulong.MaxValue, "{}"u8.ToArray(), []), "a header of 18446744073709551615 bytes");

    [Fact]
    public void A_header_that_goes_beyond_the_file() => Refused(WithLength(100, "{}"u8.ToArray(), []), "header of 100 bytes goes beyond the end of the file of 10 bytes");

    [Fact]
    public void No_header() => Refused(Of("", 8), "does not begin with `{`");

    [Fact]
    public void A_header_that_begins_with_space() => Refused(Of(" {}", 0), "does not begin with `{`");

    [Fact]
    public void A_header_that_is_a_list() => Refused(Of("[]", 0), "does not begin with `{`");

    [Fact]
    public void A_header_that_is_not_utf8() => Refused(Of([.. "{\""u8, 0xFF, .. "\":1}"u8], []), "not text in UTF-8");

    [Fact]
    public void A_header_that_is_not_json() => Refused(Of("{\"w\":", 0), "is not JSON");

    [Fact]
    public void Something_behind_the_header() => Refused(Of("{}x", 0), "is not JSON");

    [Fact]
    public void Half_a_character() => Refused(Of("{\"\\ud800\":{}}", 0), "is not JSON");

    [Fact]
    public void Two_tensors_of_one_name() => Refused($"{Entry("w", "F32", "2", 0, 8)},{Entry("w", "F32", "2", 8, 16)}", 16, "names `w` twice");

    [Fact]
    public void Two_tensors_of_one_name_written_differently() => Refused($"{Entry("w", "F32", "2", 0, 8)},{Entry("\\u0077", "F32", "2", 8, 16)}", 16, "names `w` twice");

    [Fact]
    public void Metadata_that_is_no_object() => Refused("\"__metadata__\":3", 0, "`__metadata__` is not an object");

    [Fact]
    public void Metadata_that_holds_a_number() => Refused("\"__metadata__\":{\"step\":3}", 0, "something else than a text under `step`");

    [Fact]
    public void Metadata_that_names_a_text_twice() => Refused("\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}", 0, "names `a` twice");

    [Fact]
    public void A_tensor_that_is_a_number() => Refused("\"w\":3", 0, "tensor `w`", "is not an object");

    [Theory]
    [InlineData("\"shape\":[2],\"data_offsets\":[0,8]", "it has no dtype")]
    [InlineData("\"dtype\":\"F32\",\"data_offsets\":[0,8]", "it has no shape")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[2]", "it has no data_offsets")]
    [InlineData("\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]", "its dtype is not a text")]
    [InlineData("\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]", "its shape is not a list")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]", "its shape holds something else than whole numbers")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]", "its data_offsets are 1 numbers, not 2")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,18446744073709551615]", "its data_offsets holds something else than whole numbers of 64 bits")]
    [InlineData("\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]", "it has two dtypes")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]", "it has two shapes")]
    public void What_is_said_of_a_tensor_is_incomplete_or_of_another_kind(string fields, string problem) => Refused($"\"w\":{{{fields}}}", 8, "tensor `w`", problem);

    [Fact]
    public void An_unknown_type() => Refused(Entry("w", "F99", "2", 0, 8), 8, "tensor `w`", "dtype `F99` is not known; known are F64, F32");

    [Fact]
    public void A_type_whose_numbers_share_bytes() => Refused(Entry("w", "F4", "2", 0, 1), 1, "tensor `w`", "dtype `F4` packs several numbers into a byte");

    [Fact]
    public void A_negative_size() => Refused(Entry("w", "F32", "-2", 0, 8), 8, "tensor `w`", "negative size -2");

    [Fact]
    public void An_axis_longer_than_supported() => Refused(Entry("w", "F32", "3000000000", 0, 8), 8, "tensor `w`", "an axis of 3000000000");

    [Fact]
    public void A_shape_whose_product_overflows() => Refused(Entry("w", "F32", "2000000000,2000000000,2000000000,0", 0, 0), 0, "tensor `w`", "more numbers than fit in 64 bits");

    [Fact]
    public void A_range_before_the_data() => Refused(Entry("w", "F32", "2", -8, 0), 8, "tensor `w`", "begin at -8");

    [Fact]
    public void A_range_that_ends_before_it_begins() => Refused(Entry("w", "F32", "2", 8, 0), 8, "tensor `w`", "8 to 0 end before they begin");

    [Fact]
    public void A_range_of_another_length_than_the_shape() => Refused(Entry("w", "F16", "2,3", 0, 8), 8, "tensor `w`", "a F16 of shape [2,3] has 12 bytes, but its data_offsets span 8");

    [Fact]
    public void A_range_beyond_the_data() => Refused(Entry("w", "F32", "2", 0, 8), 7, "tensor `w`", "end at 8, but the file holds 7 bytes of data");

    [Fact]
    public void Ranges_that_overlap() => Refused($"{Entry("v", "F32", "2", 0, 8)},{Entry("w", "F32", "2", 4, 12)}", 12, "tensor `w`", "begins at 4, inside that of `v`");

    [Fact]
    public void Two_tensors_in_one_place() => Refused($"{Entry("v", "F32", "2", 0, 8)},{Entry("w", "F32", "2", 0, 8)}", 8, "tensor `w`", "inside that of `v`");

    [Fact]
    public void An_empty_tensor_inside_another() => Refused($"{Entry("v", "F32", "2", 0, 8)},{Entry("w", "F32", "0", 4, 4)}", 8, "tensor `w`", "inside that of `v`");

    [Fact]
    public void A_hole_between_tensors() => Refused($"{Entry("w", "F32", "2", 12, 20)},{Entry("v", "F32", "2", 0, 8)}", 20, "tensor `w`", "the 4 bytes of data before it, from 8 on");

    [Fact]
    public void A_hole_before_all_tensors() => Refused(Entry("w", "F32", "2", 4, 12), 12, "tensor `w`", "the 4 bytes of data before it, from 0 on");

    [Fact]
    public void Bytes_behind_all_tensors() => Refused(Entry("w", "F32", "2", 0, 8), 11, "the last 3 bytes belong to no tensor");

    [Fact]
    public void No_file_an_empty_one_and_a_folder()
    {
        using var folder = new TemporaryFolder();
        string Message(string path) => Assert.Throws<TiebreakException>(() => SafetensorsFile.Open(path)).Message;
        Assert.Contains("there is no such file; check the path", Message(folder.File("model.safetensors")), StringComparison.Ordinal);
        Assert.Contains("is empty", Message(In(folder, "empty.safetensors", [])), StringComparison.Ordinal);
        Assert.Contains("is a folder", Message(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_cannot_be_weights()
    {
        using var folder = new TemporaryFolder();
        using var file = SafetensorsFile.Open(In(folder, "model.safetensors", Of("{" + Entry("w", "I8", "4", 0, 4) + "}", 4)));
        var error = Assert.Throws<TiebreakException>(() => file.Tensors[0].Values);
        Assert.Contains("tensor `w` is I8, but weights are real numbers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_damage_to_a_byte_of_the_header_is_a_crash()
    {
        var whole = Of($$"""{"__metadata__":{"format":"pt"},{{Entry("v", "F32", "2", 0, 8)}},{{Entry("w", "BF16", "2,1", 8, 12)}}} """, 12);
        using var folder = new TemporaryFolder();
        for (var k = 0; k < whole.Length - 12; k++)
        {
            foreach (var flip in new byte[] { 0x01, 0x02, 0x10, 0x80, 0xFF })
            {
                var damaged = (byte[])whole.Clone();
                damaged[k] ^= flip;
                ReadOrRefuse(In(folder, "model.safetensors", damaged));
            }

            ReadOrRefuse(In(folder, "model.safetensors", whole[..(k + 1)]));
        }
    }

    static void ReadOrRefuse(string path)
    {
        try
        {
            using var file = SafetensorsFile.Open(path);
            foreach (var tensor in file.Tensors.Where(tensor => tensor.Type.IsFloat())) tensor.Values.ReadDoubles(0, new double[tensor.Values.Count]);
        }
        catch (TiebreakException error)
        {
            Assert.DoesNotContain('\n', error.Message);
        }
    }
}
