using CsCheck;
using Tiebreak.Formats.Safetensors;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.House;
using Xunit;
using static Tiebreak.Tests.Formats.Safetensors.RawFile;

namespace Tiebreak.Tests.Formats.Safetensors;

/// <summary>What is written is read again; what is copied is the same byte for byte.</summary>
public sealed class SafetensorsWriterTests
{
    static readonly Gen<SafetensorsEntry> Tensor = Gen.Select(Gen.Enum<SafetensorsType>(), Gen.Int[0, 4].Array[0, 3], Gen.Int[0, 255].Array[4 * 4 * 4 * 8], (type, sizes, bytes) =>
    {
        var shape = new Shape(sizes);
        return SafetensorsEntry.Of("", type, shape, bytes.Take((int)shape.Count * type.SizeOf()).Select(value => (byte)value).ToArray());
    });

    static readonly Gen<string> Text = Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 0, 8], Gen.Const(""), Gen.Const("layers.0.ü \"quoted\" \\ /"), Gen.Const("𝕏\u2028\n"));

    static byte[] Written(IReadOnlyList<SafetensorsEntry> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors, metadata);
        return stream.ToArray();
    }

    static SafetensorsEntry Renamed(SafetensorsEntry entry, string name)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [entry]);
        var bytes = stream.ToArray();
        return SafetensorsEntry.Of(name, entry.Type, entry.Shape, bytes.AsMemory(bytes.Length - (int)entry.Length));
    }

    [Fact]
    public void Any_mixture_of_types_is_read_again_and_copied_byte_for_byte() =>
        Gen.Select(Tensor.Array[0, 6], Text.Array[6], Gen.Dictionary(Text, Text)[0, 3], Gen.Bool).Sample((tensors, texts, metadata, withMetadata) =>
        {
            using var folder = new TemporaryFolder();
            SafetensorsEntry[] named = [.. tensors.Select((tensor, k) => Renamed(tensor, $"{k}{texts[k]}"))];
            var path = In(folder, "model.safetensors", Written(named, withMetadata ? metadata : null));
            using var file = SafetensorsFile.Open(path);
            Assert.Equal(named.Select(tensor => (tensor.Name, tensor.Type, tensor.Shape, tensor.Length)), file.Tensors.Select(tensor => (tensor.Name, tensor.Type, tensor.Shape, tensor.Length)));
            Assert.Equal(withMetadata ? metadata : null, file.Metadata);
            Assert.Equal(0, (BitConverter.ToInt64(File.ReadAllBytes(path)) + 8) % 8);
            SafetensorsWriter.Write(folder.File("copy.safetensors"), [.. file.Tensors.Select(SafetensorsEntry.Copy)], file.Metadata);
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(folder.File("copy.safetensors")));
        }, iter: 200);

    [Fact]
    public void Numbers_of_every_type_are_read_as_they_were_written()
    {
        using var folder = new TemporaryFolder();
        double[] numbers = [0, 1, -1.5, 0.25, -448, 0.015625, 3];
        SafetensorsType[] types = [.. Enum.GetValues<SafetensorsType>().Where(type => type.IsFloat())];
        Assert.Equal(6, types.Length);
        SafetensorsWriter.Write(folder.File("m.safetensors"), [.. types.Select(type => SafetensorsEntry.Of(type.NameOf(), type, new Shape(7), new DoubleTensor(numbers)))]);
        using var file = SafetensorsFile.Open(folder.File("m.safetensors"));
        foreach (var tensor in file.Tensors)
        {
            var read = new double[7];
            tensor.Values.ReadDoubles(0, read);
            Assert.Equal(numbers, read);
            Assert.Equal(Rational.FromDouble(-1.5), tensor.Values[2]);
        }
    }

    [Fact]
    public void A_file_with_a_header_of_any_length_is_read()
    {
        using var folder = new TemporaryFolder();
        for (var spaces = 0; spaces < 8; spaces++)
        {
            var bytes = Of("{" + Entry("w", "F64", "1", 0, 8) + "}" + new string(' ', spaces), 8);
            BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 8), 0.1);
            using var file = SafetensorsFile.Open(In(folder, $"{spaces}.safetensors", bytes));
            Assert.Equal(Rational.FromDouble(0.1), file.Tensors[0].Values[0]);
            Assert.Equal(bytes[^8..], file.Tensors[0].Bytes(0, 8).ToArray());
        }
    }

    [Fact]
    public void What_others_say_of_a_tensor_is_passed_over()
    {
        using var folder = new TemporaryFolder();
        using var file = SafetensorsFile.Open(In(folder, "m.safetensors", Of("""{"w":{"origin":{"shape":[9]},"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4)));
        Assert.Equal(new Shape(1), file.Tensors[0].Shape);
    }

    [Fact]
    public void A_file_may_replace_the_one_it_is_copied_from()
    {
        using var folder = new TemporaryFolder();
        var path = In(folder, "model.safetensors", Pairs("a", "b"));
        using (var file = SafetensorsFile.Open(path))
            SafetensorsWriter.Write(path, [SafetensorsEntry.Copy(file.Tensors[0]), SafetensorsEntry.Of("b", SafetensorsType.F32, new Shape(2), new DoubleTensor([1, 2]))], file.Metadata);
        using var again = SafetensorsFile.Open(path);
        Assert.Equal(["a", "b"], again.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(Rational.FromDouble(2), again.Tensors[1].Values[1]);
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_file_comes_into_being_whole_or_not_at_all()
    {
        using var folder = new TemporaryFolder();
        var path = In(folder, "model.safetensors", [1, 2, 3]);
        var entry = SafetensorsEntry.Of("a", SafetensorsType.F32, new Shape(1), new DoubleTensor([1]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [entry, entry]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [SafetensorsEntry.Of("__metadata__", SafetensorsType.F32, new Shape(1), new DoubleTensor([1]))]));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
        Assert.Contains("cannot be written", Assert.Throws<TiebreakException>(() => SafetensorsWriter.Write(folder.File("no", "such", "folder.safetensors"), [entry])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_its_shape_is_refused()
    {
        Assert.Throws<ArgumentException>(() => SafetensorsEntry.Of("a", SafetensorsType.I8, new Shape(1), new DoubleTensor([1])));
        Assert.Throws<ArgumentException>(() => SafetensorsEntry.Of("a", SafetensorsType.F32, new Shape(2), new DoubleTensor([1])));
        Assert.Throws<ArgumentException>(() => SafetensorsEntry.Of("a", SafetensorsType.F32, new Shape(2), new byte[4]));
    }
}
